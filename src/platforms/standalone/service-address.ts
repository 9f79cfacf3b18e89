import { hostname, networkInterfaces } from 'node:os';
import { formatHostPort } from '../../domain/host-port-text.js';
import { formatIpAddress, parseIpAddress } from '../../pki/ip-address.js';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];
const EVERY_ADDRESS = new Set(['', '0.0.0.0', '::']);

/** This machine's addresses that others may reach, IPv4 before IPv6, without link-local ones. */
function reachableAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
}

/**
 * Where clients find a service that listens on `listenHost` and `port`: `externalUrl` if given, else the first of
 * `hosts`, else the address that it listens on, else an address of this machine. Without a trailing slash.
 */
export function serviceUrl(options: {
  readonly externalUrl: URL | undefined;
  readonly pathPrefix: string;
  readonly hosts: readonly string[];
  readonly listenHost: string;
  readonly port: number;
}): string {
  const { externalUrl, pathPrefix, hosts, listenHost, port } = options;
  if (externalUrl) return externalUrl.href.replace(/\/+$/, '');
  const listened = EVERY_ADDRESS.has(listenHost) ? undefined : listenHost;
  const host = hosts[0] ?? listened ?? reachableAddresses()[0] ?? hostname();
  return `https://${formatHostPort({ host, port })}${pathPrefix.replace(/\/+$/, '')}`;
}

/** A host as certificates write it: names in lower case, IPv6 addresses in their short form. */
function canonicalHost(host: string): string {
  const address = parseIpAddress(host);
  return address ? formatIpAddress(address) : host.toLowerCase();
}

/** The names and addresses that the service's certificate holds, so that each way to reach it verifies. */
export function certificateHosts(options: {
  readonly externalUrl: URL | undefined;
  readonly hosts: readonly string[];
  readonly listenHost: string;
}): string[] {
  const { externalUrl, hosts, listenHost } = options;
  const external = externalUrl ? [externalUrl.hostname.replace(/^\[|\]$/g, '')] : [];
  const own = EVERY_ADDRESS.has(listenHost) ? [hostname(), ...reachableAddresses()] : [listenHost];
  return [...new Set([...external, ...hosts, ...own, ...LOOPBACK_NAMES].map(canonicalHost))];
}
