/** The new key of a renewal that is under way, kept so that it can be taken up again at any point. */
export interface PendingRenewal {
  /**
   * PEM of the private key: the kept one if `isUsable` takes it, else what `make` gives, kept durably before this
   * resolves. One for all who renew the same certificate.
   */
  ensureKey(make: () => Promise<string>, isUsable: (keyPem: string) => boolean): Promise<string>;
  /** Removes what is kept of the redemption's renewals but for that of the certificate with this SHA-256 (lower-case hex). */
  finish(newestSha256: string): Promise<void>;
}

/**
 * Opens the renewal of a redemption's certificate (its SHA-256, lower-case hex), making room for it. Rejects with
 * RedemptionError `not_writable` when nothing can be kept there; so do the methods of what it gives.
 */
export type OpenPendingRenewal = (redemptionId: string, certificateSha256: string) => Promise<PendingRenewal>;
