/** The new key of a running renewal, stored so that the renewal can be resumed at any point. */
export interface PendingRenewal {
  /**
   * Returns the PEM of the private key: the stored one if `isUsable` accepts it, else the result of `make`, stored durably
   * before this resolves. All processes that renew the same certificate get the same key.
   */
  ensureKey(make: () => Promise<string>, isUsable: (keyPem: string) => boolean): Promise<string>;
  /** Deletes the keys of the redemption's other renewals: all but that of the certificate with this SHA-256 (lower-case hex). */
  deleteOtherKeys(currentSha256: string): Promise<void>;
}

/**
 * Opens the renewal of a redemption's certificate (its SHA-256, lower-case hex); creates its directory.
 * Rejects with RedemptionError `not_writable` if nothing can be stored there, as the methods of the result do.
 */
export type OpenPendingRenewal = (redemptionId: string, certificateSha256: string) => Promise<PendingRenewal>;
