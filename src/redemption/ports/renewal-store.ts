import type { Renewal } from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';

/** A redemption and the certificates that followed its own. */
export interface RenewedRedemption {
  readonly redemption: Redemption;
  /** The last renewals, newest first, at most two; empty if it was never renewed. */
  readonly renewals: readonly Renewal[];
}

/**
 * `recorded`: it is the newest renewal now, or was already recorded. `supersededBy`: another renewal of that number is
 * recorded.
 */
export type RecordRenewalOutcome = 'recorded' | { readonly supersededBy: Renewal } | Refusal;

/** The part of a store that contains the renewals of redemptions. Rejects as the other methods of the GrantStore do. */
export interface RenewalStore {
  findRenewedRedemption(id: string): Promise<RenewedRedemption | undefined>;
  /**
   * The commit point of a renewal: stores it if its number follows the last one of its redemption and the redemption
   * is not revoked. May be repeated when an outcome is unknown.
   */
  recordRenewal(renewal: Renewal, now: number): Promise<RecordRenewalOutcome>;
  /**
   * Records a renewal request signed by a superseded certificate: as a ledger entry once a day, otherwise counted as refusals
   * are; in a cluster always counted as refusals are.
   */
  recordSuperseded(redemption: Redemption, peer: string, now: number): Promise<void>;
  /** The renewals of a redemption, oldest first: all of them, in a cluster only the last two. */
  listRenewals(redemptionId: string): Promise<readonly Renewal[]>;
  /**
   * How many redemptions that are not revoked have a newest certificate that is valid at `now`, by the SHA-256 of the CA
   * that signed it; only CAs with such redemptions.
   */
  countDependents(now: number): Promise<ReadonlyMap<string, number>>;
  /**
   * The number of redemptions that are not revoked, whose newest certificate is valid at `now` and was issued before
   * `answeredBefore`.
   */
  countAnsweredBefore(answeredBefore: number, now: number): Promise<number>;
}
