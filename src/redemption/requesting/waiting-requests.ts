import { OWN_KEY_TYPE } from '../../domain/policy.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { generateKey, privateKeyPem, readPrivateKey } from '../../pki/keys.js';
import { decodePemBody, encodePem, pemBlocks } from '../../pki/pem.js';
import { createCertificateRequest, parseCertificateRequest } from '../../pki/requests.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { LinkRequestStore } from '../ports/link-requests.js';

const CSR_LABEL = 'CERTIFICATE REQUEST';

/** A request of this site for a link: a key, and the certificate request that the operator of the accepting site gets. */
export interface LinkRequest {
  /** The common name of the certificate request. */
  readonly subject: string;
  /** SHA-256 over the SubjectPublicKeyInfo of the key, lower-case hex. */
  readonly keySha256: string;
  /** PKCS#8. A secret. */
  readonly keyPem: string;
  /** DER of the PKCS#10 request (RFC 2986). No secret: no token can be redeemed with it. */
  readonly csrDer: Uint8Array;
}

/**
 * Returns the waiting request for a subject of at most 64 characters, or stores a new one. Rejects with RedemptionError
 * `not_writable` if it cannot be stored, or if the stored one is damaged.
 */
export async function ensureLinkRequest(subject: string, store: LinkRequestStore): Promise<LinkRequest> {
  const { keyPem } = await generateKey(OWN_KEY_TYPE);
  const csrDer = createCertificateRequest(readPrivateKey(keyPem), subject);
  const stored = readLinkRequest(await store.ensure(idOf(subject), keyPem + encodePem(CSR_LABEL, csrDer)));
  if (stored?.subject === subject) return stored;
  throw new RedemptionError(
    'not_writable',
    `The waiting request for "${subject}" in ${store.place} is damaged.`,
  );
}

/** Returns the readable waiting requests. */
export async function listLinkRequests(store: LinkRequestStore): Promise<LinkRequest[]> {
  return (await store.list()).map(readLinkRequest).filter((request) => request !== undefined);
}

/** Deletes the waiting request for a subject; false if there is none. */
export function removeLinkRequest(subject: string, store: LinkRequestStore): Promise<boolean> {
  return store.remove(idOf(subject));
}

/** Returns the waiting request with this key; undefined if there is none. */
export async function findLinkRequest(
  keySha256: string,
  store: LinkRequestStore,
): Promise<LinkRequest | undefined> {
  return (await listLinkRequests(store)).find((request) => request.keySha256 === keySha256);
}

// One request for each subject, so that a repeated command finds it.
function idOf(subject: string): string {
  return sha256Hex(subject);
}

function readLinkRequest(text: string): LinkRequest | undefined {
  try {
    const block = pemBlocks(text).find(({ label }) => label === CSR_LABEL);
    if (!block) return undefined;
    const csrDer = decodePemBody(block.body);
    const request = parseCertificateRequest(csrDer);
    if ('invalid' in request || request.commonName === undefined) return undefined;
    const keyPem = privateKeyPem(readPrivateKey(text));
    return { subject: request.commonName, keySha256: request.keySha256, keyPem, csrDer };
  } catch {
    return undefined;
  }
}
