import { join } from 'node:path';
import { generateKeyPair } from '../dist/pki/keys.js';
import { createCertificateRequest } from '../dist/pki/requests.js';
import { createGrant } from '../dist/redemption/create-grant.js';
import { readService } from '../dist/redemption/service-description.js';
import { openSqliteStore } from '../dist/stores/sqlite/sqlite-store.js';

const GRANTS = 10;
const USES = 100_000;
const DAY_MS = 86_400_000;

/**
 * Makes `count` grants in the store of a service that has started once; gives each one's uid and code, and the service's
 * CA.
 */
export async function makeGrants(dataDirectory, count = GRANTS) {
  const clock = Date.now;
  const store = await openSqliteStore({ file: join(dataDirectory, 'linkgrant.db'), migrate: false, clock });
  try {
    const service = await readService(store);
    const grants = [];
    for (let number = 0; number < count; number++) {
      const request = {
        namespace: 'default',
        name: `bench-${number}`,
        redemptionsAllowed: USES,
        expirationWindowMs: DAY_MS,
      };
      const { grant, code } = await createGrant(request, service, { store, clock });
      grants.push({ uid: grant.uid, code });
    }
    return { grants, ca: service.ca };
  } finally {
    await store.close();
  }
}

/** A request for a certificate for a new P-256 key, base64 of its DER. */
export async function freshCertificateRequest(name) {
  const key = await generateKeyPair('p256');
  return Buffer.from(createCertificateRequest(key, name)).toString('base64');
}

/** Makes requests of one kind, each of another site, going round the grants. */
export class RequestSource {
  #made = 0;
  #grants;
  #kind;

  /** `kind` is `csr` (each with a key of its own), `stock` (the service makes the key) or `check`. */
  constructor(grants, kind) {
    this.#grants = grants;
    this.#kind = kind;
  }

  /** The next `count` requests, each a whole HTTP message. */
  async take(count) {
    const requests = [];
    while (requests.length < count) requests.push(await this.#next());
    return requests;
  }

  async #next() {
    const number = this.#made++;
    const { uid, code } = this.#grants[number % this.#grants.length];
    const site = `site-${number}`;
    const path = this.#kind === 'check' ? `/${uid}/-/check` : `/${uid}`;
    const lines = [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', `content-length: ${code.length}`];
    if (this.#kind !== 'check') lines.push(`name: ${site}`, `subject: ${site}`);
    if (this.#kind === 'csr')
      lines.push('accept: application/problem+json', `csr: ${await freshCertificateRequest(site)}`);
    return `${lines.join('\r\n')}\r\n\r\n${code}`;
  }
}
