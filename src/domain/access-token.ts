import { TOKEN_EXPIRATION_TIME, TOKEN_ISSUER_SITE, TOKEN_REDEMPTIONS_ALLOWED } from './labels.js';
import { encodeResource } from './resource-encoding.js';

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
  /** When the token expires, in milliseconds since the epoch, as known when it was issued. */
  readonly expirationTime?: number;
  /** How many redemptions the token allows, as known when it was issued. */
  readonly redemptionsAllowed?: number;
  /** Uid of the site that accepts the link. */
  readonly issuerSite?: string;
}

/**
 * Returns an AccessToken as a `skupper.io/v2alpha1` resource that `kubectl apply` and Skupper accept. It contains the code;
 * its annotations contain the known limits.
 */
export function accessTokenResource(token: AccessToken) {
  const { expirationTime, redemptionsAllowed, issuerSite } = token;
  const annotations: Record<string, string> = {
    ...(expirationTime !== undefined && { [TOKEN_EXPIRATION_TIME]: new Date(expirationTime).toISOString() }),
    ...(redemptionsAllowed !== undefined && { [TOKEN_REDEMPTIONS_ALLOWED]: String(redemptionsAllowed) }),
    ...(issuerSite !== undefined && { [TOKEN_ISSUER_SITE]: issuerSite }),
  };
  const isAnnotated = Object.keys(annotations).length > 0;
  return {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessToken',
    metadata: { ...(isAnnotated && { annotations }), name: token.name },
    spec: {
      ca: token.ca,
      code: token.code,
      ...(token.linkCost !== undefined && { linkCost: token.linkCost }),
      url: token.url,
    },
  } as const;
}

/** An AccessToken as a resource. */
export type AccessTokenManifest = ReturnType<typeof accessTokenResource>;

/** Encodes an AccessToken as a YAML document. */
export function encodeAccessToken(token: AccessToken): string {
  return encodeResource(accessTokenResource(token));
}

/** True if a text in YAML or JSON may contain an AccessToken. */
export function mayContainAccessToken(text: string): boolean {
  return /\bkind["']?\s*:\s*["']?AccessToken\b/.test(text);
}

/** Identifies a CA that the service sends in its TLS handshake. */
export interface CaPin {
  /** The first 128 bits of SHA-256 over the DER of the CA, lower-case hex. */
  readonly pin: string;
}

/**
 * A token that the requesting side read from an AccessToken or a join line. `ca` is what the URL's server certificate is
 * verified against: PEM, the pin of a CA that the server sends, or, if undefined, the CAs that Node trusts. `code` is empty if the
 * token has none: then the site is to redeem it with its identity.
 */
export interface RedeemableToken extends Omit<AccessToken, 'ca'> {
  readonly ca: string | CaPin | undefined;
}

/** True for a token without a code, which is no secret: the site redeems it with a token of its identity provider. */
export function needsIdentity({ code }: Pick<RedeemableToken, 'code'>): boolean {
  return code === '';
}
