import { certificateState, type Validity } from '../domain/issued-certificate.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { ReadinessPart } from './operations-app.js';

/** The validity of the certificates that the service depends on, within that of the CAs above them. */
export interface CertificateTimes {
  readonly server: Validity;
  /** Null if each site has its own issuers. */
  readonly issuer: Validity | null;
  /** Why no link can be signed, for example because the files of the CA cannot be read; undefined if one can be. */
  readonly issuerProblem?: string | undefined;
}

/** Returns readiness parts that fail while a certificate is not valid or the CA cannot sign; each check calls `times`. */
export function certificateParts(times: () => CertificateTimes, clock: Clock): readonly ReadinessPart[] {
  const assertValid = (what: string, validity: Validity | null) => {
    if (validity === null) return;
    const { notBefore, notAfter } = validity;
    const state = certificateState(validity, clock());
    if (state === 'expired') throw new Error(`the ${what} expired at ${new Date(notAfter).toISOString()}`);
    if (state === 'early')
      throw new Error(`the ${what} is not valid before ${new Date(notBefore).toISOString()}`);
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
