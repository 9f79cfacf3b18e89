import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';

/** The text of a kubeconfig for one server and a bearer token, in JSON, which is YAML too. */
export function kubeconfigOf(o: {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
  readonly namespace?: string;
}): string {
  const { server, ca, token, namespace } = o;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', ...(namespace && { namespace }) } }],
  });
}

/** The API server of the current context of a kubeconfig, and the CA of its certificate as PEM. */
export function serverOf(kubeconfig: string): { readonly server: string; readonly ca: string } {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    readonly 'current-context': string;
    readonly contexts: readonly { readonly name: string; readonly context: { readonly cluster: string } }[];
    readonly clusters: readonly {
      readonly name: string;
      readonly cluster: {
        readonly server: string;
        readonly 'certificate-authority-data'?: string;
        readonly 'certificate-authority'?: string;
      };
    }[];
  };
  const context = config.contexts.find(({ name }) => name === config['current-context']);
  const found = config.clusters.find(({ name }) => name === context?.context.cluster)?.cluster;
  if (!found) throw new Error(`${kubeconfig} has no current context`);
  const file = found['certificate-authority'];
  const ca = file
    ? readFileSync(resolve(dirname(kubeconfig), file), 'utf8')
    : Buffer.from(found['certificate-authority-data'] ?? '', 'base64').toString();
  return { server: found.server, ca };
}

/** The text of a copy of a kubeconfig with the proxy `url` (plain HTTP) as its server. The kubeconfig must contain a token. */
export function kubeconfigThrough(kubeconfig: string, url: string): string {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { name: string; cluster: object }[] };
  const cluster = { server: url, 'insecure-skip-tls-verify': true };
  return JSON.stringify({ ...config, clusters: config.clusters.map(({ name }) => ({ name, cluster })) });
}
