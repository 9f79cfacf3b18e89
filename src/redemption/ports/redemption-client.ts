import type { AccessGrantState } from '../../domain/access-grant.js';
import type { AccessToken } from '../../domain/access-token.js';
import type { Link, LinkEndpoint, LinkSecret } from '../../domain/link.js';
import type { GrantPolicy } from '../../domain/policy.js';

/** What a token's service tells its holder about the grant behind it. Times are milliseconds since the epoch. */
export interface TokenCheck {
  readonly state: AccessGrantState;
  readonly redemptions: number;
  readonly redemptionsAllowed: number;
  /** Null until the grant is ready. */
  readonly expirationTime: number | null;
  /** Where a Link would lead now; empty while the site accepts none. */
  readonly endpoints: readonly LinkEndpoint[];
  /** The grant's rules; empty also where the service tells none. */
  readonly policy: GrantPolicy;
  readonly serverTime: number;
}

/** One posting of a token's code. */
export interface TokenRedemption {
  readonly token: AccessToken;
  /** Wanted Link and Secret name. */
  readonly name: string;
  readonly subject: string;
  /** DER of the PKCS#10 request for our own key; a stock server ignores it and makes a key itself. */
  readonly csrDer: Uint8Array;
  /** True when the link will be renewed, and so a short-lived certificate will do. */
  readonly renews?: boolean | undefined;
}

/**
 * Speaks to the service that a token names. Every failure is a RedemptionError with the code of what went wrong; its
 * message and its causes hold neither the code nor text that the peer chose.
 */
export interface RedemptionClient {
  /**
   * Asks for the state of the token's grant and spends nothing; `stock` when a Skupper grant server answers. Aborting
   * `signal` gives up.
   */
  check(token: AccessToken, signal?: AbortSignal): Promise<TokenCheck | 'stock'>;
  /**
   * Posts the code once and gives the whole body of a 200 answer, unjudged. `outcome_unknown` when the first byte of
   * the request was sent and no whole answer came back; every other connection failure left nothing counted.
   */
  redeem(redemption: TokenRedemption): Promise<string>;
}

/** A link as it was received, every part of it checked. */
export interface ReceivedLink {
  readonly secret: LinkSecret;
  /** At least one, with the cost, settings, labels and annotations of the response. */
  readonly links: readonly Link[];
  /** `stock` when the accepting side made the key, which then is in `secret.tlsKey`. */
  readonly source: 'linkgrant' | 'stock';
  readonly redemptionId?: string;
  readonly certificate: ReceivedCertificate;
}

/** The client certificate of a received link, for people. */
export interface ReceivedCertificate {
  /** Common name, or the whole subject where there is none. */
  readonly subject: string;
  /** Serial number, lower-case hex. */
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** What an answer is judged against. */
export interface AnswerContext {
  /** The name that was asked for; absent where any name will do, because this run asked for none. */
  readonly name?: string | undefined;
  /** True for an answer that was kept, by this run or another. */
  readonly kept: boolean;
  /** True if a response with a private key is refused: after a check that linkgrant answered, and for a renewal. */
  readonly requiresOwnKey?: boolean | undefined;
  /** PEM of the key that the posted CSR was for. */
  readonly privateKeyPem: string;
  /** The token's URL: a renewal URL of another origin is dropped. Absent for a renewal, which may bring any. */
  readonly tokenUrl?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The cause of an `answer_invalid` for a certificate of another key than the one that was posted. */
export class OtherKey extends Error {
  override readonly name = 'OtherKey';
}

/**
 * Judges an answer: takes the known fields of `text` and proves the certificate against `ca.crt` and against the key,
 * which is the delivered one, else our own. Throws RedemptionError `answer_invalid` with the reason, and `other_name` for
 * an answer to an earlier redemption under another name: one that was kept, or that linkgrant gave again to the same key.
 */
export type AnswerReader = (text: string, context: AnswerContext) => ReceivedLink;
