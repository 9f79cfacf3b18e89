/** Annotation of an AccessToken: when the grant behind it ends, RFC 3339. */
export const TOKEN_EXPIRATION_TIME = 'linkgrant.dev/expiration-time';
/** Annotation of an AccessToken: how many redemptions the grant behind it allows, in decimal digits. */
export const TOKEN_REDEMPTIONS_ALLOWED = 'linkgrant.dev/redemptions-allowed';
/** Annotation of an AccessToken: the site that accepts the link, as people call it. */
export const TOKEN_ISSUER_SITE = 'linkgrant.dev/issuer-site';
/** Annotation of a Link's Secret, and of Links that linkgrant put in place: the id of their redemption, a UUID. */
export const SECRET_REDEMPTION_ID = 'linkgrant.dev/redemption-id';
/** Annotation of a Link's Secret: the `https` URL where its certificate can be renewed. */
export const SECRET_RENEWAL_URL = 'linkgrant.dev/renewal-url';
/** Annotation of a Link's Secret: PEM that the server certificate of the renewal URL verifies against. */
export const SECRET_SERVER_CA = 'linkgrant.dev/server-ca';
/** Label that Kubernetes recommends for who put an object in place; the value is `linkgrant`. */
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
/** True for the name of a label or annotation that only linkgrant sets. */
export function isOwnName(name: string): boolean {
  return name === MANAGED_BY || name.startsWith('linkgrant.dev/');
}
/** Annotation of an AccessGrant resource that revokes it: since when, RFC 3339; anything but `false` revokes. */
export const GRANT_REVOKED = 'linkgrant.dev/revoked';
/**
 * Label of a Link's Secret on Kubernetes, once its Links are in place: the token it came of, as the beginning of the
 * hash that its pending redemption was kept under.
 */
export const SECRET_TOKEN = 'linkgrant.dev/token';
/** Annotation of an AccessGrant resource that a command of linkgrant's made: the request that made it, a UUID. */
export const GRANT_REQUEST = 'linkgrant.dev/request';
