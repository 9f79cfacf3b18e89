import type { Clock } from '../redemption/ports/clock.js';
import type { ReadinessPart } from './operations-app.js';

/** First and last moment at which a certificate and the CAs above it are valid, in milliseconds since the epoch. */
export interface ValidTime {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The validity of the certificates that the service depends on. */
export interface CertificateTimes {
  readonly server: ValidTime;
  /** Null if each site has its own issuers. */
  readonly issuer: ValidTime | null;
  /** Why no link can be signed, for example because the files of the CA cannot be read; undefined if one can be. */
  readonly issuerProblem?: string | undefined;
}

/** Returns readiness parts that fail while a certificate is not valid or the CA cannot sign; each check calls `times`. */
export function certificateParts(times: () => CertificateTimes, clock: Clock): readonly ReadinessPart[] {
  const assertValid = (what: string, valid: ValidTime | null) => {
    const now = clock();
    if (valid === null) return;
    if (valid.notAfter <= now)
      throw new Error(`the ${what} expired at ${new Date(valid.notAfter).toISOString()}`);
    if (valid.notBefore > now)
      throw new Error(`the ${what} is not valid before ${new Date(valid.notBefore).toISOString()}`);
  };
  return [
    { name: 'certificate', ready: async () => assertValid('server certificate', times().server) },
    {
      name: 'issuer',
      async ready() {
        const { issuer, issuerProblem } = times();
        if (issuerProblem !== undefined) throw new Error(issuerProblem);
        assertValid('issuer', issuer);
      },
    },
  ];
}
