import { describe, expect, it } from 'vitest';
import { clientAddress } from '../../../src/http/client-address.js';
import { Networks } from '../../../src/redemption/accepting/cidr.js';

const PROXIES = new Networks(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);

/** Returns the client address of a request from `socket`. */
function addressOf(socket: string, forwarded?: string, proxies = PROXIES): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return clientAddress({ headers }, socket, proxies);
}

describe('the address of a client', () => {
  it('is that of the socket without a trusted proxy, whatever the header contains', () => {
    const none = new Networks([]);
    expect(addressOf('198.51.100.1', '203.0.113.9', none)).toBe('198.51.100.1');
    expect(addressOf('10.0.0.1', '203.0.113.9', none)).toBe('10.0.0.1');
  });

  it('is that of the socket if the peer is not a trusted proxy, whatever the header contains', () => {
    expect(addressOf('198.51.100.1', '203.0.113.9')).toBe('198.51.100.1');
    expect(addressOf('192.0.2.8', '203.0.113.9')).toBe('192.0.2.8');
    expect(addressOf('2001:db9::1', '203.0.113.9')).toBe('2001:db9::1');
  });

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, 10.2.3.4', '203.0.113.9'],
    ['1.1.1.1, 203.0.113.9,10.2.3.4 ,  192.0.2.7', '203.0.113.9'],
    ['2001:db9::5, 2001:db8::5', '2001:db9::5'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['[0:0:0:0:0:FFFF:203.0.113.9]:4711', '203.0.113.9'],
    ['2001:DB9:0:0::5', '2001:db9::5'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db9::5]:4711', '2001:db9::5'],
    ['[2001:db9::5]', '2001:db9::5'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('behind a trusted proxy that sends %s is %s', (forwarded, address) => {
    expect(addressOf('10.0.0.1', forwarded)).toBe(address);
    expect(addressOf('2001:db8::1', forwarded)).toBe(address);
  });

  it('is the left-most address of the header if all its addresses are trusted proxies', () => {
    expect(addressOf('10.0.0.1', '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3');
  });

  it.each([
    ...['', ' ', 'unknown', '_hidden', '1.2.3.4.5', '203.0.113.9:', '[::1', 'for=203.0.113.9'],
    ...['203.0.113.9,', '203.0.113.9, unknown', '203.0.113.9, 10.0.0.2:x'],
  ])('is that of the socket if the proxy sends %j, whose last entry is not an address', (forwarded) => {
    expect(addressOf('10.0.0.1', forwarded)).toBe('10.0.0.1');
  });

  it('cannot be hidden by entries that a client wrote further left', () => {
    expect(addressOf('10.0.0.1', 'garbage, \u0000, 203.0.113.9')).toBe('203.0.113.9');
  });

  it('is that of the socket if the trusted network is invalid', () => {
    const request = { headers: { 'x-forwarded-for': '203.0.113.9' } };
    expect(clientAddress(request, '10.0.0.1', new Networks(['10.0.0.0/33']))).toBe('10.0.0.1');
  });
});
