import type { DatabaseStore, RevokedCertificate } from '../ports/database-store.js';

const NUMBER = 'crl-number';

/** The revoked certificates of some CAs, in the order of the CAs, and a number for their CRLs. */
export interface NumberedRevocations {
  readonly number: number;
  readonly revoked: readonly (readonly RevokedCertificate[])[];
}

/**
 * Reads the certificates of revoked redemptions that are valid at `now`: one list for each CA in `issuers` (SHA-256), in that
 * order. A list contains every certificate of the lists with lower numbers that has not expired, even if another process
 * assigned those numbers.
 */
export async function numberedRevocations(
  issuers: readonly string[],
  store: Pick<DatabaseStore, 'listRevokedCertificates' | 'nextNumber'>,
  now: number,
): Promise<NumberedRevocations> {
  const read = () => Promise.all(issuers.map((sha256) => store.listRevokedCertificates(sha256, now)));
  for (;;) {
    const revoked = await read();
    // At least the current time, so that a restored database repeats no number.
    const number = await store.nextNumber(NUMBER, now);
    // If both reads are equal, the list was the same at the moment when the number was assigned.
    if (JSON.stringify(await read()) === JSON.stringify(revoked)) return { number, revoked };
  }
}
