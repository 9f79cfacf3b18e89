import { isIP } from 'node:net';
import { type HostPort, hostPortOf } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { Networks } from '../redemption/accepting/cidr.js';

/** The HTTPS server to connect to. */
export interface TlsTarget extends HostPort {
  /** PEM of the trusted CAs; absent for the CAs that Node trusts. */
  readonly ca?: string | undefined;
  /** Name of the trusted CA in messages; by default that of the token if `ca` is present. */
  readonly caName?: string | undefined;
  /** Lowest TLS version; 1.3 by default. */
  readonly minVersion?: 'TLSv1.2' | undefined;
}

/**
 * A rule like curl's `--connect-to HOST:PORT:ADDR:PORT`: a connection for `host:port` goes to `toHost:toPort`. Names in the
 * certificate are still compared with `host`. An absent `host` or `port` matches any; without `toHost` or `toPort`, the host or
 * the port stays the same.
 */
export interface ConnectTo {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly toHost?: string | undefined;
  readonly toPort?: number | undefined;
}

/**
 * Returns the target for a URL. `ca` is the PEM in the file that `flag` names; if it is absent, the CAs that Node trusts are
 * used. Messages mention the flag.
 */
export function tlsTargetOf(
  url: URL,
  ca: string | undefined,
  flag: `--${string}-ca` | 'ca of the identity provider',
): TlsTarget {
  const caName =
    ca === undefined ? `a CA that Node trusts, and ${flag} names no other` : `the CA in the file of ${flag}`;
  return { ...hostPortOf(url), ca, caName };
}

/** Options for connections. */
export interface RouteOptions {
  /** `http` or `https` URL of a proxy that tunnels (CONNECT), with `user:password@` if the proxy requires them. */
  readonly proxy?: string | undefined;
  /** Hosts that are reached without the proxy, in the form of the variable NO_PROXY. */
  readonly noProxy?: string | undefined;
  readonly connectTo?: readonly ConnectTo[] | undefined;
  /**
   * True if an address may be connected to; if absent, every address may. With a proxy it is called only for an address in a URL,
   * because the proxy resolves names.
   */
  readonly mayReach?: ((address: string) => boolean) | undefined;
  /**
   * If present, a connection waits for the end of its name look-up even after the time limit, until this signal is aborted. A
   * look-up occupies a thread until it ends. So a caller that limits concurrent connections also limits the threads that slow DNS
   * servers occupy.
   */
  readonly lookupWait?: AbortSignal | undefined;
}

/** A proxy's address and credentials. */
export interface ProxyServer extends HostPort {
  readonly secure: boolean;
  /** Value of `Proxy-Authorization`; absent when the URL has no user. */
  readonly authorization?: string;
}

/** The address and the proxy for a connection to a host and port. */
export interface Route {
  readonly address: HostPort;
  readonly proxy?: ProxyServer;
}

/** Returns the route to `target`. Throws RedemptionError `proxy` for an invalid proxy URL. */
export function routeTo(target: HostPort, options: RouteOptions): Route {
  const rule = options.connectTo?.find(
    ({ host, port }) =>
      (host === undefined || host.toLowerCase() === target.host.toLowerCase()) &&
      (port === undefined || port === target.port),
  );
  const address = { host: rule?.toHost ?? target.host, port: rule?.toPort ?? target.port };
  if (!options.proxy || isExemptFromProxy(options.noProxy ?? '', target.host, target.port))
    return { address };
  return { address, proxy: parseProxy(options.proxy) };
}

function parseProxy(text: string): ProxyServer {
  const withScheme = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  // The value may hold a password, so it is not quoted.
  if (!url?.hostname)
    throw new RedemptionError('proxy', 'The proxy setting is not a URL of the form http://HOST:PORT.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const scheme = url.protocol.slice(0, -1);
    throw new RedemptionError('proxy', `A proxy must be an http or https URL, not ${scheme}.`);
  }
  const authority = { ...hostPortOf(url), secure: url.protocol === 'https:' };
  if (!url.username) return authority;
  const credentials = `${decode(url.username)}:${decode(url.password)}`;
  return { ...authority, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * True if a NO_PROXY list exempts `host` (an IPv6 address without brackets) and `port`. Entries are separated by commas
 * or spaces: `*`; a domain, which exempts itself and all below it, with or without a leading `.` or `*.`; an address; a
 * CIDR. Domains and addresses (IPv6 in brackets) may end in `:port`.
 */
export function isExemptFromProxy(noProxy: string, host: string, port: number): boolean {
  const hostname = host.toLowerCase().replace(/\.$/, '');
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => entry !== '' && exempts(entry, hostname, port));
}

function exempts(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return new Networks([entry]).has(host);
  const parts = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]*))(?::(?<port>\d+))?$/.exec(entry)?.groups;
  // The colons of a bare IPv6 address do not separate a port.
  if (!parts) return entry === host;
  if (parts.port !== undefined && Number(parts.port) !== port) return false;
  const name = (parts.v6 ?? parts.name ?? '').replace(/^\*?\./, '').replace(/\.$/, '');
  if (name === '') return false;
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}
