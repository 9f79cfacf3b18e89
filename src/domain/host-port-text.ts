import type { LinkEndpoint } from './link.js';

/** A host (an IPv6 address without brackets) and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Returns host and port of an `http` or `https` URL. */
export function hostPortOf({ hostname, port, protocol }: URL): HostPort {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(port) || (protocol === 'http:' ? 80 : 443) };
}

/** Formats `host:port` for messages, URLs and HTTP, with an IPv6 address in brackets. */
export function formatHostPort({
  host,
  port,
}: {
  readonly host: string;
  readonly port: string | number;
}): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Formats an endpoint for messages: its role, then {@link formatHostPort}. */
export function formatEndpoint(endpoint: Pick<LinkEndpoint, 'name' | 'host' | 'port'>): string {
  return `${endpoint.name} ${formatHostPort(endpoint)}`;
}
