import type { AccessGrantState } from '../../domain/access-grant.js';
import type { AccessToken } from '../../domain/access-token.js';
import type { Link, LinkEndpoint, LinkSecret } from '../../domain/link.js';
import type { GrantPolicy } from '../../domain/policy.js';

/** The state of a token's grant, as its service reports it. Times are milliseconds since the epoch. */
export interface TokenCheck {
  readonly state: AccessGrantState;
  readonly redemptions: number;
  readonly redemptionsAllowed: number;
  /** Null until the grant is ready. */
  readonly expirationTime: number | null;
  /** The endpoints of a Link now; empty while the site accepts none. */
  readonly endpoints: readonly LinkEndpoint[];
  /** The grant's rules; empty also if the service reports none. */
  readonly policy: GrantPolicy;
  readonly serverTime: number;
}

/** One posting of a token's code. */
export interface TokenRedemption {
  readonly token: AccessToken;
  /** Requested Link and Secret name. */
  readonly name: string;
  readonly subject: string;
  /** DER of the PKCS#10 request for our own key; a stock server ignores it and generates a key itself. */
  readonly csrDer: Uint8Array;
  /** True if the link will be renewed, so that a short-lived certificate is enough. */
  readonly renews?: boolean | undefined;
}

/**
 * Exchanges with the service of a token. Every failure is a RedemptionError; its message and causes contain neither the code nor text
 * of the peer.
 */
export interface RedemptionClient {
  /**
   * Queries the state of the token's grant and spends no use; `stock` if a Skupper grant server answers. Aborting `signal` ends the
   * exchange.
   */
  check(token: AccessToken, signal?: AbortSignal): Promise<TokenCheck | 'stock'>;
  /**
   * Posts the code once and returns the complete body of a 200 response, not validated. `outcome_unknown` if the first byte of the
   * request was sent and no complete response arrived; after every other connection failure nothing is counted.
   */
  redeem(redemption: TokenRedemption): Promise<string>;
}

/** A link as it was received, every part of it checked. */
export interface ReceivedLink {
  readonly secret: LinkSecret;
  /** At least one, with the cost, settings, labels and annotations of the response. */
  readonly links: readonly Link[];
  /** `stock` if the accepting side generated the key, which is in `secret.tlsKey` then. */
  readonly source: 'linkgrant' | 'stock';
  readonly redemptionId?: string;
  readonly certificate: ReceivedCertificate;
}

/** The client certificate of a received link, for reports. */
export interface ReceivedCertificate {
  /** Common name, or the whole subject where there is none. */
  readonly subject: string;
  /** Serial number, lower-case hex. */
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The request that a response has to match. */
export interface AnswerContext {
  /** The requested name; absent if this run requested none, so that any name is valid. */
  readonly name?: string | undefined;
  /** True for a stored response, of this run or another. */
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
 * Validates a response: reads the known fields of `text` and verifies the certificate against `ca.crt` and the key, which is the
 * delivered one, else our own. Throws RedemptionError `answer_invalid` with the reason, and `other_name` for the response of an
 * earlier redemption under another name, which was stored or which linkgrant repeated for the same key.
 */
export type AnswerReader = (text: string, context: AnswerContext) => ReceivedLink;
