/** Annotation of an AccessToken: when it expires, RFC 3339. */
export const TOKEN_EXPIRATION_TIME = 'linkgrant.dev/expiration-time';
/** Annotation of an AccessToken: how many redemptions it allows, in decimal digits. */
export const TOKEN_REDEMPTIONS_ALLOWED = 'linkgrant.dev/redemptions-allowed';
/** Annotation of an AccessToken: uid of the site that accepts the link. */
export const TOKEN_ISSUER_SITE = 'linkgrant.dev/issuer-site';
/** Annotation of a Link's Secret, and of a Link that linkgrant created: the id of its redemption, a UUID. */
export const SECRET_REDEMPTION_ID = 'linkgrant.dev/redemption-id';
/** Annotation of a Link's Secret: the `https` URL where its certificate can be renewed. */
export const SECRET_RENEWAL_URL = 'linkgrant.dev/renewal-url';
/** Annotation of a Link's Secret: PEM that the server certificate of the renewal URL verifies against. */
export const SECRET_SERVER_CA = 'linkgrant.dev/server-ca';
/** Label that Kubernetes recommends for the tool that manages an object; the value is `linkgrant`. */
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
/** Annotation that revokes an AccessGrant resource: the time of the revocation, RFC 3339; every value but `false` revokes. */
export const GRANT_REVOKED = 'linkgrant.dev/revoked';
/**
 * Label of a Link's Secret on Kubernetes that identifies the token: the first 40 hex digits of SHA-256 over its URL and code.
 * Set after the Links are written; then the pending redemption of the token is deleted.
 */
export const SECRET_TOKEN_LABEL = 'linkgrant.dev/token';
/** Annotation of an AccessGrant resource that a linkgrant command created: the id of the request, a UUID or a SHA-256. */
export const GRANT_REQUEST = 'linkgrant.dev/request';

/** True for the name of a label or annotation that only linkgrant sets. */
export function isOwnName(name: string): boolean {
  return name === MANAGED_BY || name.startsWith('linkgrant.dev/');
}
