/** The new key of a running renewal, stored so that the renewal can be resumed at any point. */
export interface PendingRenewal {
  /**
   * Returns the PEM of the private key: the stored one if `isUsable` accepts it, else the result of `make`, stored durably
   * before this resolves. All processes that renew the same certificate get the same key.
   */
  ensureKey(make: () => Promise<string>, isUsable: (keyPem: string) => boolean): Promise<string>;
  /** Deletes the redemption's stored keys, except the one for renewing the certificate with this SHA-256 (lower-case hex). */
  deleteOtherKeys(currentSha256: string): Promise<void>;
}

/**
 * Opens the stored state of a certificate's renewal; `certificateSha256` is in lower-case hex. Rejects with RedemptionError
 * `not_writable` if nothing can be stored; so do the methods of the result.
 */
export type OpenPendingRenewal = (redemptionId: string, certificateSha256: string) => Promise<PendingRenewal>;
