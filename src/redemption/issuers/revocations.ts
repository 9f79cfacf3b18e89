import type { GrantStore, RevokedCertificate } from '../ports/grant-store.js';

const NUMBER = 'crl-number';

/** What was revoked of each of some CAs, in their order, and a number for the lists that tell of it. */
export interface NumberedRevocations {
  readonly number: number;
  readonly revoked: readonly (readonly RevokedCertificate[])[];
}

/**
 * Every certificate of revoked redemptions that is valid at `now`, by the SHA-256 of the CA that signed it. Of two calls,
 * whatever process they are in, the one with the higher number knows all that the other one does.
 */
export async function numberedRevocations(
  issuers: readonly string[],
  store: Pick<GrantStore, 'listRevokedCertificates' | 'nextNumber'>,
  now: number,
): Promise<NumberedRevocations> {
  const read = () => Promise.all(issuers.map((sha256) => store.listRevokedCertificates(sha256, now)));
  for (;;) {
    const revoked = await read();
    // Not below the time, so that a database put back from a backup repeats none.
    const number = await store.nextNumber(NUMBER, now);
    // Unchanged behind the number, it is also what there was when the number was given.
    if (JSON.stringify(await read()) === JSON.stringify(revoked)) return { number, revoked };
  }
}
