import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';

/** Returns a kubeconfig for one server and a bearer token, in JSON, which is YAML too. */
export function kubeconfigOf({
  server,
  ca,
  token,
  namespace,
}: {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
  readonly namespace?: string;
}): string {
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

/** Returns the server of the current context of a kubeconfig, the CA of its certificate as PEM, and the token of the user, if any. */
export function serverOf(kubeconfig: string) {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`${kubeconfig} has no current context`);
  const { server, caFile, caData = '' } = cluster;
  const ca = caFile ? readFileSync(caFile, 'utf8') : Buffer.from(caData, 'base64').toString();
  return { server, ca, token: config.getCurrentUser()?.token };
}

/** Returns a copy of a kubeconfig with the proxy `url` (plain HTTP) as its server. The kubeconfig must contain a token. */
export function kubeconfigThrough(kubeconfig: string, url: string): string {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { name: string; cluster: object }[] };
  const cluster = { server: url, 'insecure-skip-tls-verify': true };
  return JSON.stringify({ ...config, clusters: config.clusters.map(({ name }) => ({ name, cluster })) });
}
