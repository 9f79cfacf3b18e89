import { randomUUID } from 'node:crypto';
import { type CertificateAuthority, CertificateAuthorityError } from '../../pki/authority.js';
import { issueClientCertificate } from '../../pki/certificates.js';
import { generateKey } from '../../pki/keys.js';
import type { Clock } from '../ports/clock.js';
import type { LinkDialer } from '../ports/link-dialer.js';

/** Whether a router accepts clients of a CA that it should no longer trust. */
export interface RouterProbe {
  readonly host: string;
  readonly port: number;
  /** `unknown`: it could not be dialed, or it refuses clients of the new CA too. */
  readonly verdict: 'refused' | 'accepted' | 'unknown';
  /** The evidence, as a sentence. */
  readonly message: string;
}

// As short as a handshake allows, because no redemption is recorded for the certificate. Its key never leaves the process.
const LIFETIME_MS = 60_000;

/**
 * Dials a router over mutual TLS, first with a certificate of the new CA, which it has to accept, then with one of the old CA.
 * The router's own certificate has to be of the new CA. The verdict is `unknown` if the first attempt fails, if the second one
 * fails for another reason than its certificate, or if a CA cannot be read (`read` throws a CertificateAuthorityError).
 */
export async function probeRouter(
  target: { readonly host: string; readonly port: number },
  read: { oldCa(): CertificateAuthority; newCa(): CertificateAuthority },
  { dial, clock }: { readonly dial: LinkDialer; readonly clock: Clock },
): Promise<RouterProbe> {
  const dialWith = async (authority: CertificateAuthority, { bundlePem: caCrt }: CertificateAuthority) => {
    const { keyPem: tlsKey, spkiDer } = await generateKey('p256');
    const { certificate: tlsCrt } = await issueClientCertificate({
      authority,
      spkiDer,
      subject: 'linkgrant probe',
      redemptionId: randomUUID(),
      lifetimeMs: LIFETIME_MS,
      now: clock(),
    });
    return dial(target, { caCrt, tlsCrt, tlsKey });
  };
  try {
    const newCa = read.newCa();
    const oldCa = read.oldCa();
    const control = await dialWith(newCa, newCa);
    if ('fault' in control) return { ...target, verdict: 'unknown', message: control.message };
    const outcome = await dialWith(oldCa, newCa);
    if (!('fault' in outcome)) {
      return { ...target, verdict: 'accepted', message: 'It accepts a certificate of the old CA.' };
    }
    const verdict = outcome.fault === 'certificate_refused' ? 'refused' : 'unknown';
    return { ...target, verdict, message: outcome.message };
  } catch (error) {
    if (!(error instanceof CertificateAuthorityError)) throw error;
    return { ...target, verdict: 'unknown', message: `${error.message}.` };
  }
}
