import type { AccessGrantState } from '../../domain/access-grant.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import type { Link, LinkEndpoint, LinkSecret } from '../../domain/link.js';
import type { GrantPolicy } from '../../domain/policy.js';

/** The response to a check of a token: the state of its grant or of its signed code. Times are milliseconds since the epoch. */
export interface TokenCheck {
  readonly state: AccessGrantState;
  readonly redemptions: number;
  readonly redemptionsAllowed: number;
  /** Null until the grant is ready. */
  readonly expirationTime: number | null;
  /** The present endpoints of a Link; empty while the site accepts no links. */
  readonly endpoints: readonly LinkEndpoint[];
  /** The grant's rules; empty if it has none, or if the service does not report them. */
  readonly policy: GrantPolicy;
  readonly serverTime: number;
}

/** Options of a check. */
export interface CheckOptions {
  /** DER of a PKCS#10 request that was made for the code. */
  readonly csrDer?: Uint8Array | undefined;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** One posting of a token's code. */
export interface TokenRedemption {
  readonly token: RedeemableToken;
  /** Requested name of Link and Secret. */
  readonly name: string;
  /** Undefined for the service's default. */
  readonly subject: string | undefined;
  /** DER of the PKCS#10 request for the client's own key; an unmodified Skupper server ignores it and generates a key. */
  readonly csrDer: Uint8Array;
  /** Whether the link will be renewed, so that a short-lived certificate is enough. */
  readonly renews?: boolean | undefined;
}

/**
 * Client of the service in a token's URL. Every failure is a RedemptionError; its message and causes contain neither the
 * token's code nor text from the server.
 */
export interface RedemptionClient {
  /**
   * Requests the state of the token without redeeming it; `stock` if a Skupper grant server answers. A token that is bound to a key
   * and an identity token need `csrDer`, the request that would redeem it.
   */
  check(token: RedeemableToken, options?: CheckOptions): Promise<TokenCheck | 'stock'>;
  /**
   * Posts the code once and returns the whole body of a 200 response, unchecked. `outcome_unknown` if the first byte of the
   * request was sent and no whole response arrived; after every other connection failure nothing was counted.
   */
  redeem(redemption: TokenRedemption): Promise<string>;
}

/** A received link, after validation. */
export interface ReceivedLink {
  readonly secret: LinkSecret;
  /** At least one, with the cost, settings, labels and annotations of the response. */
  readonly links: readonly Link[];
  /** `stock` if the accepting side generated the key, which is then in `secret.tlsKey`. */
  readonly source: 'linkgrant' | 'stock';
  readonly redemptionId?: string;
  readonly certificate: ReceivedCertificate;
}

/** The client certificate of a received link, for display. */
export interface ReceivedCertificate {
  /** Common name, or the whole subject if there is none. */
  readonly subject: string;
  /** Serial number, lower-case hex. */
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The expected properties of a response. */
export interface AnswerContext {
  /** The requested name; absent if this run requested none, so that any name is accepted. */
  readonly name?: string | undefined;
  /** True if the response was stored, by this run or another. */
  readonly isStored: boolean;
  /** True if a response with a private key is refused: for a renewal, and if the service that checked the token is linkgrant. */
  readonly requiresOwnKey?: boolean | undefined;
  /** PEM of the key that the posted CSR was for. */
  readonly privateKeyPem: string;
  /** The token's URL: a renewal URL of another origin is ignored. Absent for a renewal, where any origin is accepted. */
  readonly tokenUrl?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The cause of an `answer_invalid` for a certificate of a key other than the posted one. */
export class OtherKey extends Error {
  override readonly name = 'OtherKey';
}

/** The cause of a `tls_untrusted` for a certificate that a trusted CA signed, but that has expired or is not valid yet. */
export class OutsideValidity extends Error {
  override readonly name = 'OutsideValidity';
}

/** What identifies the certificate of a response before its private key is found. */
export interface AnswerCertificate {
  /** SHA-256 over the public key, lower-case hex. */
  readonly keySha256: string;
  readonly redemptionId: string | undefined;
}

/** Reads the certificate of a response, without verifying it. Throws RedemptionError `answer_invalid`. */
export type AnswerCertificateReader = (text: string) => AnswerCertificate;

/**
 * Validates a response: reads the known fields of `text`, and verifies the certificate with `ca.crt` and with the private key,
 * which is the one in the response, else the client's own. Throws RedemptionError `answer_invalid` with the reason. Throws
 * `other_name` if the token was redeemed before under another name: the response was stored, or the service repeated it.
 */
export type AnswerReader = (text: string, context: AnswerContext) => ReceivedLink;
