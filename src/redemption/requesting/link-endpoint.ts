import { isIP } from 'node:net';
import { isLinkRole, LINK_ROLES, type LinkEndpoint } from '../../domain/link.js';

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*\.?$/i;
const GROUP = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/;

/** Largest number of endpoints that is accepted from a service. */
export const MAX_ENDPOINTS = 64;
/** Largest number of Links in a response, which also has one Secret. */
export const MAX_LINKS = 64;

/**
 * Returns the known fields of a Link's endpoint from untrusted input. If they are not valid, returns the problem as the end of a
 * sentence, without text of the input. A missing group means ''.
 */
export function parseLinkEndpoint(value: unknown): LinkEndpoint | string {
  if (typeof value !== 'object' || value === null) return 'an endpoint is not a mapping';
  const { name, host, port, group = '' } = value as Record<string, unknown>;
  if (!isLinkRole(name)) return `the role of an endpoint is none of ${LINK_ROLES.join(', ')}`;
  if (typeof host !== 'string' || !isEndpointHost(host))
    return 'the host of an endpoint is neither a DNS name nor an address';
  if (typeof port !== 'string' || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
    return 'the port of an endpoint is not a number from 1 to 65535 as text';
  }
  if (typeof group !== 'string' || (group !== '' && !GROUP.test(group)))
    return 'the group of an endpoint is not a valid name';
  return { name, host, port, group };
}

function isEndpointHost(host: string): boolean {
  // A name of only digits and dots is a mistyped address.
  return isIP(host) !== 0 ? !host.includes('%') : HOST_NAME.test(host) && !/^[\d.]+$/.test(host);
}
