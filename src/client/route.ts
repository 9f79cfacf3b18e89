import { RedemptionError } from '../domain/redemption-error.js';
import { isExemptFromProxy } from './no-proxy.js';

/** A host (an IPv6 address without brackets) and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The HTTPS server that a connection is wanted to. */
export interface TlsTarget extends HostPort {
  /** PEM of the only CAs that its certificate may come from; absent for those that the system trusts. */
  readonly ca?: string | undefined;
}

/**
 * What curl's `--connect-to HOST:PORT:ADDR:PORT` says: whoever asks for `host:port` is connected to `toHost:toPort`. Names
 * in the certificate are still compared with `host`. An absent part stands for any host or port, and for the same one.
 */
export interface ConnectTo {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly toHost?: string | undefined;
  readonly toPort?: number | undefined;
}

/** How connections are made. */
export interface RouteOptions {
  /** URL of a proxy that tunnels (CONNECT), `http` or `https`, with `user:password@` if it wants them. */
  readonly proxy?: string | undefined;
  /** Which hosts are reached without it, in the form of the variable NO_PROXY. */
  readonly noProxy?: string | undefined;
  readonly connectTo?: readonly ConnectTo[] | undefined;
  /**
   * Whether an address may be connected to; any may without it. Behind a proxy it is asked of addresses in URLs alone: names
   * are the proxy's to resolve.
   */
  readonly mayReach?: ((address: string) => boolean) | undefined;
}

/** A proxy's address and what it is told of us. */
export interface ProxyServer extends HostPort {
  readonly secure: boolean;
  /** Value of `Proxy-Authorization`; absent when the URL has no user. */
  readonly authorization?: string;
}

/** Where to connect for a wanted host and port, and through which proxy if any. */
export interface Route {
  readonly address: HostPort;
  readonly proxy?: ProxyServer;
}

/** The route to `wanted`. Throws RedemptionError `proxy` for a proxy URL that cannot be used. */
export function routeTo(wanted: HostPort, options: RouteOptions): Route {
  const mapped = options.connectTo?.find(
    ({ host, port }) =>
      (host === undefined || host.toLowerCase() === wanted.host.toLowerCase()) &&
      (port === undefined || port === wanted.port),
  );
  const address = { host: mapped?.toHost ?? wanted.host, port: mapped?.toPort ?? wanted.port };
  if (!options.proxy || isExemptFromProxy(options.noProxy ?? '', wanted.host, wanted.port))
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
    throw new RedemptionError(
      'proxy',
      `A proxy must be an http or https URL, not ${url.protocol.slice(0, -1)}.`,
    );
  }
  const secure = url.protocol === 'https:';
  const authority = {
    host: unbracketed(url.hostname),
    port: Number(url.port) || (secure ? 443 : 80),
    secure,
  };
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

/** An IPv6 host of a URL without its brackets; any other host as it is. */
export function unbracketed(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
