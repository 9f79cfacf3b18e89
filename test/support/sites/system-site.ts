import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import type { CertificateAuthority } from '../../../src/pki/authority.js';
import { routerSecret } from './kubernetes-site.js';

/** The recorded sites: `west` accepts links, `east` has redeemed one. */
export const RECORDED_SITES = resolve(import.meta.dirname, '../../fixtures/system-site');

const WEST_ISSUER = join(RECORDED_SITES, 'west/runtime/issuers/skupper-site-ca');
/** Flags of `serve`: the CA of the recorded site `west`, and an endpoint in the certificate of its router. */
export const WEST_SITE_FLAGS: readonly string[] = [
  ...['--issuer-cert', join(WEST_ISSUER, 'tls.crt')],
  ...['--issuer-key', join(WEST_ISSUER, 'tls.key')],
  ...['--endpoint', 'inter-router=vm:55671'],
];

const STOCK_REDEEMER = resolve(import.meta.dirname, 'stock-redeemer.mjs');

/** A copy of a recorded site, in a namespace below a Skupper home. */
export class SystemSiteCopy {
  readonly home: string;
  readonly namespace: string;

  constructor(home: string, namespace: string) {
    this.home = home;
    this.namespace = namespace;
  }

  /** A path below the namespace's directory. */
  path(...names: readonly string[]): string {
    return join(this.home, 'namespaces', this.namespace, ...names);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  /** The parsed content of a YAML file in `input/resources`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of many shapes.
  input(file: string): any {
    return parse(this.read(`input/resources/${file}`));
  }

  /** Names in `input/resources`, sorted. */
  inputNames(): string[] {
    return readdirSync(this.path('input/resources')).sort();
  }

  /** Replaces a file atomically: writes a temporary file beside it, then renames that. */
  write(file: string, content: string): void {
    const path = this.path(file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  }

  writeResource(
    directory: 'input' | 'runtime',
    resource: { kind: string; name: string } & Record<string, unknown>,
  ): void {
    const { kind, name, ...rest } = resource;
    const document = { apiVersion: 'skupper.io/v2alpha1', kind, metadata: { name }, ...rest };
    this.write(`${directory}/resources/${kind}-${name}.yaml`, stringify(document));
  }

  addIssuer(directory: 'input' | 'runtime', name: string, pem: { certificate: string; key: string }): void {
    this.write(`${directory}/issuers/${name}/tls.crt`, pem.certificate);
    this.write(`${directory}/issuers/${name}/tls.key`, pem.key);
  }

  /** Writes the credentials of a router: a certificate of this CA, and the CAs that the router trusts. */
  async addRouterCertificate(
    credentials: string,
    {
      authority,
      hosts,
      trusted,
    }: { authority: CertificateAuthority; hosts: readonly string[]; trusted: string },
  ): Promise<void> {
    for (const [name, pem] of Object.entries(await routerSecret(authority, hosts, trusted)))
      this.write(`runtime/certs/${credentials}/${name}`, pem);
  }

  /** Deletes a file or a directory; the whole namespace without a path. */
  delete(path = ''): void {
    rmSync(this.path(path), { recursive: true });
  }
}

/** Copies a recorded site into a namespace of `home`; into a namespace of its own name by default. */
export function copySite(
  recorded: 'east' | 'west',
  home: string,
  namespace: string = recorded,
): SystemSiteCopy {
  const site = new SystemSiteCopy(home, namespace);
  cpSync(join(RECORDED_SITES, recorded), site.path(), { recursive: true });
  return site;
}

/** The permission bits of a file or a directory. */
export function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/**
 * Installs a `skupper` in a directory for PATH. It appends its arguments to `calls`, then loads the site as Skupper does: it
 * copies the Links and Secrets of `input/resources` to `runtime/resources`, and redeems each AccessToken of `input/resources`,
 * at each call again. After `fail(code)` it exits with this code and loads nothing.
 */
export function installFakeSkupper(
  directory: string,
  site: SystemSiteCopy,
): { readonly path: string; calls(): string[]; fail(code: number): void } {
  mkdirSync(directory, { recursive: true });
  const calls = join(directory, 'calls');
  const exitCode = join(directory, 'exit-code');
  writeFileSync(calls, '');
  const program = join(directory, 'skupper');
  writeFileSync(
    program,
    `#!/bin/sh
echo "$@" >> '${calls}'
if [ -s '${exitCode}' ]; then exit "$(cat '${exitCode}')"; fi
for file in '${site.path('runtime', 'resources')}'/Link-*.yaml '${site.path('runtime', 'resources')}'/Secret-*.yaml; do
  rm -f "$file"
done
for file in '${site.path('input', 'resources')}'/Link-*.yaml '${site.path('input', 'resources')}'/Secret-*.yaml; do
  if [ -e "$file" ]; then cp "$file" '${site.path('runtime', 'resources')}'/; fi
done
exec '${process.execPath}' '${STOCK_REDEEMER}' '${site.path('input', 'resources')}'
`,
  );
  chmodSync(program, 0o755);
  return {
    path: directory,
    calls: () => readFileSync(calls, 'utf8').split('\n').filter(Boolean),
    fail: (code) => writeFileSync(exitCode, code === 0 ? '' : String(code)),
  };
}
