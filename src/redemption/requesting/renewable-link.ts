import { SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import type { LinkSecret } from '../../domain/link.js';
import { describeCertificate, redemptionIdIn } from '../../pki/certificate-info.js';
import { readPrivateKey, spkiOf } from '../../pki/keys.js';
import { sha256Hex } from '../../pki/sha256.js';
import { certificateLife } from './certificate-life.js';

/** Where a link is renewed. */
export interface RenewalPlace {
  readonly url: string;
  /** PEM that the server's certificate has to verify against. */
  readonly ca: string;
}

/** The fields of a Secret that its renewal needs. */
export interface RenewableLink extends RenewalPlace {
  readonly redemptionId: string;
  /** PEM of the certificate to renew, and its key. */
  readonly tlsCrt: string;
  readonly keyPem: string;
  readonly certificateSha256: string;
  readonly subject: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * What the renewal of a Secret's certificate needs, or why it cannot be renewed, as a sentence without its full stop. `given`
 * overrides the renewal URL and CA of the Secret.
 */
export function renewableLink(
  { name, tlsCrt, tlsKey, annotations }: LinkSecret,
  given: Partial<RenewalPlace> = {},
): RenewableLink | { readonly cannot: string } {
  const redemptionId = redemptionIdIn(tlsCrt);
  if (redemptionId === undefined) {
    return { cannot: `the certificate in Secret "${name}" is of no redemption of linkgrant's` };
  }
  if (!tlsKey) return { cannot: `Secret "${name}" has no tls.key` };
  const url = given.url ?? annotations?.[SECRET_RENEWAL_URL];
  const ca = given.ca ?? annotations?.[SECRET_SERVER_CA];
  if (!url || !ca) return { cannot: `Secret "${name}" does not say where it is renewed` };
  try {
    const { sha256, keySha256, subject, notBefore, notAfter } = describeCertificate(tlsCrt);
    if (sha256Hex(spkiOf(readPrivateKey(tlsKey))) !== keySha256) {
      return { cannot: `the key in Secret "${name}" is not its certificate's` };
    }
    const certificate = { tlsCrt, certificateSha256: sha256, subject, notBefore, notAfter };
    return { redemptionId, keyPem: tlsKey, ...certificate, url, ca };
  } catch {
    return { cannot: `the certificate or the key in Secret "${name}" cannot be read` };
  }
}

/**
 * True if a certificate is due at `now`: two thirds of its lifetime have passed, or with `withinMs` it ends within that time. All in
 * milliseconds.
 */
export function isRenewalDue(
  certificate: { readonly notBefore: number; readonly notAfter: number },
  now: number,
  withinMs?: number,
): boolean {
  if (withinMs !== undefined) return certificate.notAfter - now <= withinMs;
  const life = certificateLife(certificate, now);
  return life === 'ending' || life === 'expired';
}
