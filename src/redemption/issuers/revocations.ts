import type { GrantStore, RevokedCertificate } from '../ports/grant-store.js';

const NUMBER = 'crl-number';

/** The revoked certificates of some CAs, in the order of the CAs, and a number for their CRLs. */
export interface NumberedRevocations {
  readonly number: number;
  readonly revoked: readonly (readonly RevokedCertificate[])[];
}

/**
 * Every certificate of revoked redemptions that is valid at `now`, by the SHA-256 of the CA that signed it. Of two calls,
 * also in different processes, the one with the higher number includes all certificates of the other.
 */
export async function numberedRevocations(
  issuers: readonly string[],
  store: Pick<GrantStore, 'listRevokedCertificates' | 'nextNumber'>,
  now: number,
): Promise<NumberedRevocations> {
  const read = () => Promise.all(issuers.map((sha256) => store.listRevokedCertificates(sha256, now)));
  for (;;) {
    const revoked = await read();
    // At least the current time, so that a restored database repeats no number.
    const number = await store.nextNumber(NUMBER, now);
    // If unchanged after the number was taken, the result is also what existed when it was taken.
    if (JSON.stringify(await read()) === JSON.stringify(revoked)) return { number, revoked };
  }
}
