import type { LinkEndpoint } from './link.js';

/** `host:port` for people, URLs and HTTP: an IPv6 address in brackets. */
export function formatHostPort({
  host,
  port,
}: {
  readonly host: string;
  readonly port: string | number;
}): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An endpoint for people: its role, then {@link formatHostPort}. */
export function formatEndpoint(endpoint: Pick<LinkEndpoint, 'name' | 'host' | 'port'>): string {
  return `${endpoint.name} ${formatHostPort(endpoint)}`;
}
