import type { LinkEndpoint } from './link.js';

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
