import type { Renewal } from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';

/** A redemption and its last renewals. */
export interface RenewedRedemption {
  readonly redemption: Redemption;
  /** The last renewals, newest first, at most two; empty if it was never renewed. */
  readonly renewals: readonly Renewal[];
}

/**
 * `recorded`: the renewal is recorded, by this call or an earlier one. `supersededBy`: another renewal with that number is
 * recorded.
 */
export type RecordRenewalOutcome = 'recorded' | { readonly supersededBy: Renewal } | Refusal;

/** The part of a store that contains the renewals of redemptions. Rejects as the other methods of the GrantStore do. */
export interface RenewalStore {
  findRenewedRedemption(id: string): Promise<RenewedRedemption | undefined>;
  /**
   * The commit point of a renewal: stores it if its number follows that of the last renewal of its redemption and the redemption
   * is not revoked. `basis` is the redemption from which the renewal was issued, with its renewals at that time; a store with a
   * chain of MACs records its hash. May be repeated if the outcome is unknown.
   */
  recordRenewal(renewal: Renewal, basis: RenewedRedemption, now: number): Promise<RecordRenewalOutcome>;
  /**
   * Records a renewal request that was signed with the key of a superseded certificate. Writes at most one ledger entry a day for
   * a redemption, and counts further requests as `recordRefusal` does. In a cluster counts all of them.
   */
  recordSuperseded(redemption: Redemption, peer: string, now: number): Promise<void>;
  /** Lists the renewals of a redemption, oldest first: all of them, but in a cluster only the last two. */
  listRenewals(redemptionId: string): Promise<readonly Renewal[]>;
  /**
   * Counts the redemptions that are not revoked and whose newest certificate is valid at `now`, by the SHA-256 of the CA that
   * signed this certificate. CAs without such redemptions are absent.
   */
  countDependents(now: number): Promise<ReadonlyMap<string, number>>;
  /**
   * Counts the redemptions that are not revoked and whose newest certificate is valid at `now` and was issued before
   * `issuedBefore`.
   */
  countIssuedBefore(issuedBefore: number, now: number): Promise<number>;
}
