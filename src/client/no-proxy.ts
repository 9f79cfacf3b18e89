import { BlockList, isIP } from 'node:net';

/**
 * True when a NO_PROXY list exempts `host` (an IPv6 address without brackets) and `port`. Entries are separated by commas
 * or spaces: `*`; a domain, which exempts itself and all below it, with or without a leading `.` or `*.`; an address; a
 * CIDR. Any but `*` and a CIDR may end in `:port`.
 */
export function isExemptFromProxy(noProxy: string, host: string, port: number): boolean {
  const wanted = host.toLowerCase().replace(/\.$/, '');
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => entry !== '' && exempts(entry, wanted, port));
}

function exempts(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(entry, host);
  const parts = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]*))(?::(?<port>\d+))?$/.exec(entry)?.groups;
  // The colons of a bare IPv6 address do not separate a port.
  if (!parts) return entry === host;
  if (parts.port !== undefined && Number(parts.port) !== port) return false;
  const name = (parts.v6 ?? parts.name ?? '').replace(/^\*?\./, '').replace(/\.$/, '');
  if (name === '') return false;
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

function isInNetwork(cidr: string, host: string): boolean {
  const [network = '', bits = ''] = cidr.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), kind);
  return list.check(host, kind);
}
