/** A Skupper AccessToken, which is transferred to the requesting site. The code is a secret. */
export interface AccessToken {
  readonly name: string;
  /** `https` URL that the code is posted to. */
  readonly url: string;
  readonly code: string;
  /** PEM of the only CA that the URL's server certificate is verified against. */
  readonly ca: string;
  /** Cost of its Links; at least 1. */
  readonly linkCost?: number;
  /** When the grant behind it ends, in milliseconds since the epoch, as known when the token was issued. */
  readonly expirationTime?: number;
  /** How many redemptions the grant behind it allows, as known when the token was issued. */
  readonly redemptionsAllowed?: number;
  /** The site that accepts the link. */
  readonly issuerSite?: string;
}

/** Pin of a CA that the service sends in its TLS handshake: the first 128 bits of SHA-256 over its DER, lower-case hex. */
export interface CaPin {
  readonly pin: string;
}

/**
 * A token as the requesting side reads it, from an AccessToken or a join line. `ca` is the trust for the URL's server
 * certificate: PEM, the pin of a CA that the server sends, or undefined for the CAs that the system trusts.
 */
export interface RedeemableToken extends Omit<AccessToken, 'ca'> {
  readonly ca: string | CaPin | undefined;
}
