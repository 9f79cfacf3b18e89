import type { AccessToken } from './access-token.js';
import { TOKEN_EXPIRATION_TIME, TOKEN_ISSUER_SITE, TOKEN_REDEMPTIONS_ALLOWED } from './labels.js';
import { encodeResource } from './resource-encoding.js';

/**
 * Returns an AccessToken as a `skupper.io/v2alpha1` resource that `kubectl apply` and Skupper accept. Annotations contain
 * the known limits of its grant. The resource contains the code.
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

/** Encodes an AccessToken as a YAML document. */
export function encodeAccessToken(token: AccessToken): string {
  return encodeResource(accessTokenResource(token));
}
