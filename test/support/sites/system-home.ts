import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { type CertificateAuthority, createAuthority, loadAuthority } from '../../../src/pki/authority.js';
import { DAY_MS } from '../server-identity.js';
import { routerSecret, SITE_TIME } from './kubernetes-site.js';
import { RECORDED_SITES } from './system-site.js';

/** A CA for a test, with its certificate and key as PEM. */
export interface SiteAuthority {
  readonly authority: CertificateAuthority;
  readonly certificate: string;
  readonly key: string;
}

/** A new CA, valid around `now`. */
export async function makeSiteAuthority(commonName: string, now = SITE_TIME): Promise<SiteAuthority> {
  const pem = await createAuthority({ commonName, keyType: 'p256', lifetimeMs: 365 * DAY_MS, now });
  return { ...pem, authority: loadAuthority(pem, commonName, now) };
}

/** A Skupper data directory in a temporary place, with copies of sites that Skupper made. */
export class SystemHome {
  readonly directory: string;

  constructor(directory = mkdtempSync(join(tmpdir(), 'linkgrant-home-'))) {
    this.directory = directory;
    mkdirSync(join(directory, 'namespaces'), { recursive: true });
  }

  path(namespace: string, ...names: readonly string[]): string {
    return join(this.directory, 'namespaces', namespace, ...names);
  }

  /** Copies the fixture `site`; to a namespace of its own name unless another is given. */
  add(site: 'west' | 'east', namespace: string = site): this {
    cpSync(join(RECORDED_SITES, site), this.path(namespace), { recursive: true });
    return this;
  }

  read(namespace: string, file: string): string {
    return readFileSync(this.path(namespace, file), 'utf8');
  }

  /** Replaces a file atomically: writes a temporary file beside it, then renames that. */
  write(namespace: string, file: string, content: string): void {
    const path = this.path(namespace, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  }

  writeResource(
    namespace: string,
    directory: 'input' | 'runtime',
    resource: { kind: string; name: string } & Record<string, unknown>,
  ): void {
    const { kind, name, ...rest } = resource;
    const document = { apiVersion: 'skupper.io/v2alpha1', kind, metadata: { name }, ...rest };
    this.write(namespace, `${directory}/resources/${kind}-${name}.yaml`, stringify(document));
  }

  delete(namespace: string, path = ''): void {
    rmSync(this.path(namespace, path), { recursive: true });
  }

  addIssuer(
    namespace: string,
    directory: 'input' | 'runtime',
    name: string,
    pem: { certificate: string; key: string },
  ): void {
    this.write(namespace, `${directory}/issuers/${name}/tls.crt`, pem.certificate);
    this.write(namespace, `${directory}/issuers/${name}/tls.key`, pem.key);
  }

  /** Writes the credentials of a router: a certificate of this CA, and the CAs that the router trusts. */
  async addRouterCertificate(
    namespace: string,
    credentials: string,
    {
      authority,
      hosts,
      trusted,
    }: { authority: CertificateAuthority; hosts: readonly string[]; trusted: string },
  ): Promise<void> {
    for (const [name, pem] of Object.entries(await routerSecret(authority, hosts, trusted)))
      this.write(namespace, `runtime/certs/${credentials}/${name}`, pem);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
