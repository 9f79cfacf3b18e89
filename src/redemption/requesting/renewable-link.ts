import { certificateState, type Validity } from '../../domain/issued-certificate.js';
import { SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import type { LinkSecret } from '../../domain/link.js';
import { certificateInfo, redemptionIdIn } from '../../pki/certificate-info.js';
import { isKeyOf } from '../../pki/keys.js';

/** The service that renews a link. */
export interface RenewalServer {
  readonly url: string;
  /** PEM of the CA that the server's certificate must verify against. */
  readonly ca: string;
}

/** The fields of a Secret that its renewal needs. */
export interface RenewableLink extends RenewalServer {
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
 * Returns the fields that the renewal of a Secret's certificate needs, or why it cannot be renewed, as a sentence without
 * its full stop. `server` overrides the renewal URL and CA in the Secret.
 */
export function renewableLink(
  { name, tlsCrt, tlsKey, annotations }: LinkSecret,
  server: Partial<RenewalServer> = {},
): RenewableLink | { readonly problem: string } {
  if (!tlsCrt) return { problem: `Secret "${name}" has no tls.crt` };
  const info = certificateInfo(tlsCrt);
  if (!info) return { problem: `tls.crt in Secret "${name}" cannot be read` };
  const redemptionId = redemptionIdIn(tlsCrt);
  if (redemptionId === undefined) {
    return { problem: `the certificate in Secret "${name}" belongs to no redemption of linkgrant` };
  }
  if (!tlsKey) return { problem: `Secret "${name}" has no tls.key` };
  const url = server.url ?? annotations?.[SECRET_RENEWAL_URL];
  const ca = server.ca ?? annotations?.[SECRET_SERVER_CA];
  if (!url || !ca) return { problem: `Secret "${name}" has no renewal URL or CA` };
  try {
    if (!isKeyOf(tlsCrt, tlsKey)) {
      return { problem: `the key in Secret "${name}" does not belong to its certificate` };
    }
  } catch {
    return { problem: `tls.key in Secret "${name}" cannot be read` };
  }
  const { sha256: certificateSha256, subject, notBefore, notAfter } = info;
  return { redemptionId, keyPem: tlsKey, tlsCrt, certificateSha256, subject, notBefore, notAfter, url, ca };
}

/**
 * True if a certificate is to be renewed at `now`: two thirds of its lifetime have passed, or with `withinMs`, it expires within
 * that time. All in milliseconds.
 */
export function isRenewalDue(certificate: Validity, now: number, withinMs?: number): boolean {
  if (withinMs !== undefined) return certificate.notAfter - now <= withinMs;
  const state = certificateState(certificate, now);
  return state === 'expiring' || state === 'expired';
}
