import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type CertificateAuthority, createAuthority, loadAuthority } from '../../../src/pki/authority.js';
import type { Resource, Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import { DAY_MS, makeIdentity } from '../server-identity.js';

const WEST = resolve(import.meta.dirname, '../../fixtures/kubernetes-site/west.yaml');

/** A moment at which the certificates of all recorded sites are valid. */
export const SITE_TIME = Date.parse('2027-03-04T05:06:07Z');

type AnyField = 'spec' | 'status' | 'data';
// biome-ignore lint/suspicious/noExplicitAny: tests change documents of many shapes.
type AnyResource = Omit<Stored<Resource>, AnyField> & Record<AnyField, any>;

/** A copy of the recorded site that a test can change. */
export class RecordedSite {
  readonly resources: AnyResource[];

  constructor() {
    this.resources = parseAllDocuments(readFileSync(WEST, 'utf8')).map((document) => document.toJS());
  }

  find(kind: string, name?: string): AnyResource {
    const found = this.resources.find(
      (resource) => resource.kind === kind && (name === undefined || resource.metadata.name === name),
    );
    if (!found) throw new Error(`the recorded site has no ${kind} ${name ?? ''}`);
    return found;
  }

  all(kind: string): AnyResource[] {
    return this.resources.filter((resource) => resource.kind === kind);
  }

  remove(kind: string, name: string): void {
    this.resources.splice(this.resources.indexOf(this.find(kind, name)), 1);
  }

  /** Adds a copy of the first resource of this kind, with another name and uid and these changes. */
  add(kind: string, name: string, changed: object): AnyResource {
    const copy = structuredClone(this.find(kind));
    const added = { ...copy, ...changed, metadata: { ...copy.metadata, name, uid: crypto.randomUUID() } };
    this.resources.push(added);
    return added;
  }

  pem(secret: string, key: string): string {
    return Buffer.from(this.find('Secret', secret).data[key], 'base64').toString();
  }

  setPem(secret: string, values: Readonly<Record<string, string>>): void {
    const { data } = this.find('Secret', secret);
    for (const [key, pem] of Object.entries(values)) data[key] = Buffer.from(pem).toString('base64');
  }
}

/** A new CA, valid around `now`, with its certificate and key as PEM. */
export async function makeSiteAuthority(commonName: string, now = SITE_TIME) {
  const pem = await createAuthority({ commonName, keyType: 'p256', lifetimeMs: 365 * DAY_MS, now });
  return { ...pem, authority: loadAuthority(pem, commonName, now) };
}

/** The credentials of a router, by file name: a certificate of `authority` for `hosts`, and the CAs that the router trusts. */
export async function routerSecret(
  authority: CertificateAuthority,
  hosts: readonly string[],
  trusted: string,
  now = SITE_TIME,
): Promise<Record<'tls.crt' | 'tls.key' | 'ca.crt', string>> {
  const { cert, key } = await makeIdentity({ authority, hosts, issuedAt: now });
  return { 'tls.crt': cert, 'tls.key': key, 'ca.crt': trusted };
}
