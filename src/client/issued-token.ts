import { readSignedCode } from '../codes/signed-code.js';
import { accessTokenResource } from '../domain/access-token.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { asMapping } from '../files/yaml-documents.js';
import { joinLineOf, pinnedCaSha256 } from '../redemption/accepting/join-line-of.js';
import type { IssuedToken } from '../redemption/administration/reports/token-report.js';
import { readAccessToken } from '../redemption/requesting/read-access-token.js';

/**
 * Verifies the AccessToken that a service has issued, and recreates it, its join line and its fingerprints from its valid fields.
 * The client passes them on to other machines, so it copies none of these from the response. Throws RedemptionError `answer_invalid`
 * if the resource is not a valid AccessToken.
 */
export function rewrittenToken(issued: IssuedToken): IssuedToken {
  const { joinLine: _line, keySha256: _key, caSha256: _ca, replaces: _replaces, ...rest } = issued;
  const { apiVersion, kind, metadata, spec } = asMapping(issued.token);
  const isToken = kind === 'AccessToken' && apiVersion === 'skupper.io/v2alpha1';
  const token = isToken
    ? readAccessToken({ metadata: asMapping(metadata), spec: asMapping(spec) })
    : 'it is no AccessToken';
  if (typeof token === 'string') {
    throw new RedemptionError('answer_invalid', `The service issued an invalid token: ${token}.`);
  }
  const joinLine = joinLineOf(token);
  const { keySha256, replaces } = readSignedCode(token.code) ?? {};
  return {
    ...rest,
    ...(keySha256 !== undefined && { keySha256, caSha256: pinnedCaSha256(token.ca) }),
    ...(replaces !== undefined && { replaces }),
    token: accessTokenResource(token),
    ...(joinLine !== undefined && { joinLine }),
  };
}
