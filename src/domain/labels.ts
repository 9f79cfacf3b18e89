/** Annotations and labels of ours on Skupper resources. */
export const TOKEN_EXPIRATION_TIME = 'linkgrant.dev/expiration-time';
export const TOKEN_REDEMPTIONS_ALLOWED = 'linkgrant.dev/redemptions-allowed';
export const TOKEN_ISSUER_SITE = 'linkgrant.dev/issuer-site';
export const SECRET_REDEMPTION_ID = 'linkgrant.dev/redemption-id';
export const SECRET_RENEWAL_URL = 'linkgrant.dev/renewal-url';
export const SECRET_SERVER_CA = 'linkgrant.dev/server-ca';
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
