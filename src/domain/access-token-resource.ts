import type { AccessToken } from './access-token.js';
import { TOKEN_EXPIRATION_TIME, TOKEN_ISSUER_SITE, TOKEN_REDEMPTIONS_ALLOWED } from './labels.js';
import { encodeResource } from './resource-encoding.js';

/**
 * An AccessToken as a `skupper.io/v2alpha1` document that `kubectl apply` and Skupper take as it is; what is known of the
 * grant behind it is in annotations. It holds the code.
 */
export function encodeAccessToken(token: AccessToken): string {
  const { expirationTime, redemptionsAllowed, issuerSite } = token;
  const annotations = {
    [TOKEN_EXPIRATION_TIME]:
      expirationTime === undefined ? undefined : new Date(expirationTime).toISOString(),
    [TOKEN_REDEMPTIONS_ALLOWED]: redemptionsAllowed === undefined ? undefined : String(redemptionsAllowed),
    [TOKEN_ISSUER_SITE]: issuerSite,
  };
  const isAnnotated = Object.values(annotations).some((value) => value !== undefined);
  return encodeResource({
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessToken',
    metadata: { annotations: isAnnotated ? annotations : undefined, name: token.name },
    spec: { ca: token.ca, code: token.code, linkCost: token.linkCost, url: token.url },
  });
}
