import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { tokenNetworks } from '../../../src/client/token-networks.js';

describe("the addresses that a token's URL may have", () => {
  const excluded = new Set([
    ...['127.0.0.1', '127.255.255.255', '0.0.0.0', '0.1.2.3', '::1', '::'],
    ...['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::a:b'],
    ...['224.0.0.1', '239.1.2.3', '255.255.255.255', 'ff02::1'],
    ...['100.100.100.200', '168.63.129.16', '192.0.0.192'],
    ...['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:42::42'],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254'],
    ...['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::6464:64c8', '64:ff9b:1::a9fe:a9fe'],
    ...['2002:a9fe:a9fe::1', '2001:0:1::1', '::127.0.0.1', '::ffff:0:7f00:1', '100::1'],
    // The addresses of this machine.
    ...Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address)),
  ]);

  it.each([...excluded])('exclude %s, unless the operator permits it', (address) => {
    expect(tokenNetworks()(address)).toBe(false);
    expect(tokenNetworks(['0.0.0.0/0', '::/0'])(address)).toBe(true);
  });

  it.each([
    ...['192.0.2.1', '10.0.0.1', '172.16.3.4', '192.168.1.1', '100.64.0.1', '8.8.8.8', '126.255.255.255'],
    ...['2001:db8::1', 'fd12::1', '64:ff9b::c000:201', '::ffff:192.0.2.1', 'fd00:ec2::253'],
  ])('include %s', (address) => {
    expect(tokenNetworks()(address)).toBe(true);
  });

  it('are those of the permitted networks only', () => {
    const mayReach = tokenNetworks(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);
    const yes = ['192.0.2.0', '192.0.2.255', '198.51.100.7', '2001:db8:1::1', '::ffff:192.0.2.9'];
    const no = ['192.0.3.0', '198.51.100.8', '2001:db9::1', '127.0.0.1', '::ffff:192.0.3.9'];
    expect(yes.filter((address) => !mayReach(address))).toEqual([]);
    expect(no.filter(mayReach)).toEqual([]);
  });

  it('are none if the list of permitted networks is empty', () => {
    expect(tokenNetworks([])('192.0.2.1')).toBe(false);
  });
});
