import { hostname, networkInterfaces } from 'node:os';
import { formatHostPort, type HostPort, hostPortOf } from '../../domain/host-port-text.js';
import { formatIpAddress, parseIpAddress } from '../../pki/ip-address.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];
const EVERY_ADDRESS = new Set(['', '0.0.0.0', '::']);

/** The settings that decide where clients reach a service. */
export interface ServiceAddress {
  readonly listen: HostPort;
  /** Names and addresses for clients; the first one is in the URL. */
  readonly host?: readonly string[] | undefined;
  readonly externalUrl?: URL | undefined;
  readonly pathPrefix?: string | undefined;
}

/**
 * Returns the address with host and external URL of the last start if it has neither: the links of a service renew at that address,
 * also if its data directory was moved.
 */
export function withLastAddress(
  address: ServiceAddress,
  published: Pick<ServiceDescription, 'address'> | undefined,
): ServiceAddress {
  if (address.host || address.externalUrl || !published?.address) return address;
  const { host, externalUrl } = published.address;
  return { ...address, host, externalUrl: externalUrl === undefined ? undefined : new URL(externalUrl) };
}

/** Returns what the next start uses as the address of the last start. `url` is that of the service. */
export function publishedAddress(
  { host, externalUrl }: ServiceAddress,
  url: string,
): NonNullable<ServiceDescription['address']> {
  return {
    // A derived host too, so that the next start publishes the same.
    host: host ?? [hostPortOf(new URL(url)).host],
    ...(externalUrl && { externalUrl: externalUrl.href }),
  };
}

/** Returns the path below which the service answers. */
export function pathPrefixOf({ pathPrefix, externalUrl }: ServiceAddress): string {
  return pathPrefix ?? externalUrl?.pathname ?? '/';
}

/** The addresses of this machine that other hosts may reach, IPv4 before IPv6, without link-local IPv6 addresses. */
function reachableAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
}

/**
 * The URL of a service that listens on `port`, without a trailing slash: the external URL if set. Otherwise its host is the first of
 * the address, else that of `listen` unless that means every address, else an address or the name of this machine.
 */
export function serviceUrl(address: ServiceAddress, port: number): string {
  const { externalUrl, host: [firstHost] = [], listen } = address;
  if (externalUrl) return externalUrl.href.replace(/\/+$/, '');
  const listenAddress = EVERY_ADDRESS.has(listen.host) ? undefined : listen.host;
  const host = firstHost ?? listenAddress ?? reachableAddresses()[0] ?? hostname();
  return `https://${formatHostPort({ host, port })}${pathPrefixOf(address).replace(/\/+$/, '')}`;
}

/** A host in the form that certificates use: names in lower case, IPv6 addresses in their short form. */
function canonicalHost(host: string): string {
  const address = parseIpAddress(host);
  return address ? formatIpAddress(address) : host.toLowerCase();
}

/** The names and addresses of the service's certificate: every host under which a client may reach the service. */
export function certificateHosts({ externalUrl, host = [], listen }: ServiceAddress): string[] {
  const external = externalUrl ? [hostPortOf(externalUrl).host] : [];
  const ownHosts = EVERY_ADDRESS.has(listen.host) ? [hostname(), ...reachableAddresses()] : [listen.host];
  return [...new Set([...external, ...host, ...ownHosts, ...LOOPBACK_NAMES].map(canonicalHost))];
}
