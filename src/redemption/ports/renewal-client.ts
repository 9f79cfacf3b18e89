import type { ReceivedLink } from './redemption-client.js';

/** One posting of a renewal request. */
export interface RenewalPosting {
  /** The `https` URL of the link's renewals. */
  readonly url: string;
  /** PEM that the server's certificate has to verify against. */
  readonly ca: string;
  /** The signed request, a compact JWS. */
  readonly request: string;
}

/** Speaks to the service that renews a link. Failures are RedemptionErrors, as those of a RedemptionClient. */
export interface RenewalClient {
  /**
   * Posts a request once and gives the whole body of a 200 answer, unjudged. `outcome_unknown` when no whole answer came
   * back: the same key can be posted again. `renewal_stale` has a ServerTime as its cause where the service told it.
   */
  renew(posting: RenewalPosting): Promise<string>;
}

/** The cause of a `renewal_stale`: what the service's clock says. */
export class ServerTime extends Error {
  override readonly name = 'ServerTime';
  /** Milliseconds since the epoch. */
  readonly ms: number;

  constructor(ms: number) {
    super(`the clock of the service says ${new Date(ms).toISOString()}`);
    this.ms = ms;
  }
}

/** What the answer to a renewal is judged against. */
export interface RenewalContext {
  readonly redemptionId: string;
  /** PEM of the key that the posted CSR was for. */
  readonly privateKeyPem: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Judges the answer to a renewal as an AnswerReader does that of a redemption; the certificate has to be for our own key
 * and name the same redemption, and a renewal URL may be of any origin. Throws RedemptionError `answer_invalid`.
 */
export type RenewalReader = (text: string, context: RenewalContext) => ReceivedLink;
