import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { AdministrationError } from '../../domain/administration-error.js';
import { findingsOf } from './answer-report.js';

/** How `linkgrant login` gets bearer tokens for the service. */
export interface LoginMetadata {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Path of the protected resource metadata (RFC 9728 §3.1). */
export const METADATA_PATH = '/.well-known/oauth-protected-resource';

const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;

/** Returns the URL of the metadata at the host that a request names; undefined if its Host header is not valid. */
export function metadataUrl(request: IncomingMessage): string | undefined {
  const origin = originOf(request);
  return origin && `${origin}${METADATA_PATH}`;
}

function originOf({ headers: { host = '' } }: IncomingMessage): string | undefined {
  return HOST.test(host) ? `https://${host}` : undefined;
}

/**
 * Answers with the protected resource metadata (RFC 9728 §2), without authentication. The resource is the origin that the client
 * connected to, whose certificate it has verified; `linkgrant_client_id` is an extension.
 */
export function metadataHandler({ issuer, clientId, scopes }: LoginMetadata): RequestHandler {
  return (request, response) => {
    const findings = findingsOf(response);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    findings.route = { method: isRead ? request.method : 'other', path: METADATA_PATH };
    findings.isUnlogged = true;
    if (!isRead) {
      response.setHeader('allow', 'GET');
      throw new AdministrationError('method_not_allowed', 'this route supports GET');
    }
    const resource = originOf(request);
    if (resource === undefined)
      throw new AdministrationError('request_invalid', 'the Host header is not valid');
    response.set({ 'cache-control': 'no-store', connection: 'close' }).json({
      resource,
      authorization_servers: [issuer],
      scopes_supported: scopes,
      bearer_methods_supported: ['header'],
      linkgrant_client_id: clientId,
    });
  };
}
