import { openStore } from '../dist/compose/open-store.js';
import { parseStoreUrl } from '../dist/config/store-url.js';
import { generateKey, readPrivateKey } from '../dist/pki/keys.js';
import { createCertificateRequest } from '../dist/pki/requests.js';
import { createGrant } from '../dist/redemption/accepting/create-grant.js';
import { readService } from '../dist/redemption/accepting/service-description.js';

const GRANTS = 10;
const USES = 100_000;
const BATCH = 256;
const DAY_MS = 86_400_000;

/**
 * Creates `count` grants with the rules of `policy` in the store of a service that has started once: at the URL `store`, or in its
 * data directory. Returns their uids and codes, and the CA of the service.
 */
export async function makeGrants(dataDirectory, { count = GRANTS, store: url, env, policy } = {}) {
  const clock = Date.now;
  Object.assign(process.env, env);
  const location = { dataDir: dataDirectory, store: url && parseStoreUrl(url) };
  const store = await openStore(location, { clock, checkpoint: () => undefined }, false);
  try {
    const { ca } = await readService(store);
    const make = async (number) => {
      const request = {
        namespace: 'default',
        name: `bench-${number}`,
        redemptionsAllowed: USES,
        expirationWindowMs: DAY_MS,
        policy,
      };
      const { grant, code } = await createGrant(request, true, { store, clock });
      return { uid: grant.uid, code };
    };
    const grants = [];
    while (grants.length < count) {
      const first = grants.length;
      const length = Math.min(BATCH, count - first);
      grants.push(...(await Promise.all(Array.from({ length }, (_, index) => make(first + index)))));
    }
    return { grants, ca };
  } finally {
    await store.close();
  }
}

/** Returns a certificate request for a new P-256 key, as base64 of its DER. */
export async function freshCertificateRequest(name) {
  const key = readPrivateKey((await generateKey('p256')).keyPem);
  return Buffer.from(createCertificateRequest(key, name)).toString('base64');
}

/** Creates requests of one kind, each from another site, for the grants in turn. */
export class RequestSource {
  #created = 0;
  #grants;
  #kind;
  #codeOf;

  /**
   * `kind` is `csr` (each with a key of its own) or `stock` (the service creates the key). `codeOf(grant, site)` makes the code of a
   * request; by default it is the grant's own.
   */
  constructor(grants, kind, codeOf = ({ code }) => code) {
    this.#grants = grants;
    this.#kind = kind;
    this.#codeOf = codeOf;
  }

  /** The next `count` requests, each a complete HTTP message. */
  async take(count) {
    const requests = [];
    while (requests.length < count) requests.push(await this.#next());
    return requests;
  }

  async #next() {
    const number = this.#created++;
    const grant = this.#grants[number % this.#grants.length];
    const site = `site-${number}`;
    const code = await this.#codeOf(grant, site);
    const lines = [`POST /${grant.uid} HTTP/1.1`, 'host: 127.0.0.1', `content-length: ${code.length}`];
    lines.push(`name: ${site}`, `subject: ${site}`);
    if (this.#kind === 'csr')
      lines.push('accept: application/problem+json', `csr: ${await freshCertificateRequest(site)}`);
    return `${lines.join('\r\n')}\r\n\r\n${code}`;
  }
}
