import type { Clock } from '../redemption/clock.js';
import type { ReadinessPart } from './operations-app.js';

/** When the certificates end that the service depends on, in milliseconds since the epoch. */
export interface CertificateEnds {
  readonly server: number;
  /** Null where sites have issuers of their own. */
  readonly issuer: number | null;
}

/** The parts of readiness that a certificate's end takes away; `ends` is asked each time. */
export function certificateParts(ends: () => CertificateEnds, clock: Clock): readonly ReadinessPart[] {
  const assertValid = (what: string, notAfter: number | null) => {
    if (notAfter !== null && notAfter <= clock())
      throw new Error(`the ${what} ended ${new Date(notAfter).toISOString()}`);
  };
  return [
    { name: 'certificate', ready: async () => assertValid('server certificate', ends().server) },
    { name: 'issuer', ready: async () => assertValid('issuer', ends().issuer) },
  ];
}
