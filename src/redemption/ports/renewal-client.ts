/** One posting of a renewal request. */
export interface RenewalPosting {
  /** The `https` URL of the link's renewals. */
  readonly url: string;
  /** PEM of the CA that the server's certificate must verify against. */
  readonly ca: string;
  /** The signed request, a compact JWS. */
  readonly request: string;
}

/** Client of the service that renews a link. Fails as a RedemptionClient does. */
export interface RenewalClient {
  /**
   * Posts a request once and returns the whole body of a 200 response, unchecked. `outcome_unknown` if no whole response
   * arrived: the same key can be posted again. The cause of `renewal_stale` is a ServerTime if the service sent its time.
   */
  renew(posting: RenewalPosting): Promise<string>;
}

/** The cause of a `renewal_stale`: the time of the service's clock. */
export class ServerTime extends Error {
  override readonly name = 'ServerTime';
  /** Milliseconds since the epoch. */
  readonly ms: number;

  constructor(ms: number) {
    super(`the time of the service is ${new Date(ms).toISOString()}`);
    this.ms = ms;
  }
}
