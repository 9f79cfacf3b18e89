import { hostname, networkInterfaces } from 'node:os';
import { formatHostPort, hostPortOf } from '../../domain/host-port-text.js';
import { formatIpAddress, parseIpAddress } from '../../pki/ip-address.js';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];
const EVERY_ADDRESS = new Set(['', '0.0.0.0', '::']);

/** The addresses of this machine that other hosts may reach, IPv4 before IPv6, without link-local IPv6 addresses. */
function reachableAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
}

/**
 * The URL of a service that listens on `listenHost` and `port`, without a trailing slash: `externalUrl` if set. Otherwise its
 * host is the first of `hosts`, else `listenHost` unless that means every address, else an address or the name of this machine.
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
  const listenAddress = EVERY_ADDRESS.has(listenHost) ? undefined : listenHost;
  const host = hosts[0] ?? listenAddress ?? reachableAddresses()[0] ?? hostname();
  return `https://${formatHostPort({ host, port })}${pathPrefix.replace(/\/+$/, '')}`;
}

/** A host in the form that certificates use: names in lower case, IPv6 addresses in their short form. */
function canonicalHost(host: string): string {
  const address = parseIpAddress(host);
  return address ? formatIpAddress(address) : host.toLowerCase();
}

/** The names and addresses of the service's certificate: every host under which a client may reach the service. */
export function certificateHosts(options: {
  readonly externalUrl: URL | undefined;
  readonly hosts: readonly string[];
  readonly listenHost: string;
}): string[] {
  const { externalUrl, hosts, listenHost } = options;
  const external = externalUrl ? [hostPortOf(externalUrl).host] : [];
  const ownHosts = EVERY_ADDRESS.has(listenHost) ? [hostname(), ...reachableAddresses()] : [listenHost];
  return [...new Set([...external, ...hosts, ...ownHosts, ...LOOPBACK_NAMES].map(canonicalHost))];
}
