import type { ClientKeyType } from '../../domain/policy.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { NewKey, ServerKeyType } from '../../pki/keys.js';
import {
  type CertificateRequest,
  type CertificateRequestProblem,
  parseCertificateRequest,
} from '../../pki/requests.js';

/** Generates private keys for clients that send no CSR. */
export interface KeySource {
  readonly type: ServerKeyType;
  /** Generates a key of this type; undefined if too many requests wait for one. */
  generate(): Promise<NewKey | undefined>;
}

/** The public key that a certificate is issued for; `keyPem` is its PKCS#8 private key if the service generated it. */
export interface ObtainedKey {
  readonly spkiDer: Uint8Array;
  readonly keyPem?: string;
}

/** The refusal of a CSR; the reason names the defect, without text of the CSR. */
export interface RefusedKey extends Refusal {
  readonly reason: string;
}

/** The key of one redemption; `obtain` resolves with undefined if too many requests wait for a generated key. */
export type RequestedKey = { readonly keyType: ClientKeyType; obtain(): Promise<ObtainedKey | undefined> } & (
  | { readonly generatedBy: 'client'; readonly request: CertificateRequest }
  | { readonly generatedBy: 'service' }
);

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
// 4 KiB of DER in base64.
const CSR_TEXT_LIMIT = 5464;

/** Returns the key for a request: that of its CSR, verified and strong, or one that the service generates on demand. */
export function requestedKey(csr: string | undefined, keys: KeySource): RequestedKey | RefusedKey {
  if (csr === undefined) {
    const keyType = keys.type === 'p256' ? 'p256' : 'rsa';
    return { generatedBy: 'service', keyType, obtain: () => keys.generate() };
  }
  const request = readCsr(csr);
  if ('invalid' in request) return { refused: request.invalid, reason: request.reason };
  return { generatedBy: 'client', keyType: request.keyType, request, obtain: async () => request };
}

/** Reads and verifies the CSR of a request, base64 of its DER. */
export function readCsr(csr: string): CertificateRequest | CertificateRequestProblem {
  if (csr.length > CSR_TEXT_LIMIT || csr.length % 4 !== 0 || !BASE64.test(csr))
    return { invalid: 'csr_invalid', reason: 'it is not base64 of at most 4 KiB' };
  return parseCertificateRequest(Buffer.from(csr, 'base64'));
}
