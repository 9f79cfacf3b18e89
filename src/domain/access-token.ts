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
