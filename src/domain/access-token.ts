/** A Skupper AccessToken: what is carried to the requesting site. The code is a secret. */
export interface AccessToken {
  readonly name: string;
  /** `https` URL that the code is posted to. */
  readonly url: string;
  readonly code: string;
  /** PEM of the CA that the URL's server certificate verifies against, alone. */
  readonly ca: string;
  /** Cost of its Links; at least 1. */
  readonly linkCost?: number;
  /** When the grant behind it ends, in milliseconds since the epoch, as far as its maker knew. */
  readonly expirationTime?: number;
  /** How many redemptions the grant behind it allows, as far as its maker knew. */
  readonly redemptionsAllowed?: number;
  /** The site that accepts the link. */
  readonly issuerSite?: string;
}
