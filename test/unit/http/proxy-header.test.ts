import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseProxyHeader } from '../../../src/http/proxy-header.js';
import { binaryProxyHeader, PROXY_SIGNATURE } from '../../support/proxy-headers.js';

const TLS_HELLO = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]);
const text = (line: string) => Buffer.from(`${line}\r\n`);

/** IPv6 addresses as a header of version 2 contains them: 16 bytes, in hexadecimal. */
const IPV6 = {
  '2001:db8::1': '20010db8000000000000000000000001',
  '2001:db8::2': '20010db8000000000000000000000002',
  mapped: '00000000000000000000ffffc0000201',
};
const PORTS = 'd431238a';
const FROM_IPV4 = binaryProxyHeader(0x21, 0x11, `c0000201c6336401${PORTS}`);

const VALID: readonly [string, Buffer, string | undefined][] = [
  ['version 1, TCP4', text('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443'), '192.0.2.1'],
  [
    'version 1, the example of the specification',
    text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535'),
    '255.255.255.255',
  ],
  ['version 1, TCP6', text('PROXY TCP6 2001:db8::1 2001:db8::2 56324 443'), '2001:db8::1'],
  ['version 1, another text form', text('PROXY TCP6 2001:0DB8:0:0::1 2001:db8::2 0 65535'), '2001:db8::1'],
  ['version 1, IPv4-mapped', text('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 2'), '192.0.2.1'],
  ['version 1, IPv4-mapped in hexadecimal', text('PROXY TCP6 ::ffff:c000:201 ::1 1 2'), '192.0.2.1'],
  ['version 1, UNKNOWN', text('PROXY UNKNOWN'), undefined],
  [
    'version 1, UNKNOWN of the greatest length',
    text(`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`),
    undefined,
  ],
  ['version 2, TCP over IPv4', FROM_IPV4, '192.0.2.1'],
  ['version 2, UDP over IPv4', binaryProxyHeader(0x21, 0x12, `c0000201c6336401${PORTS}`), '192.0.2.1'],
  [
    'version 2, TCP over IPv6',
    binaryProxyHeader(0x21, 0x21, `${IPV6['2001:db8::1']}${IPV6['2001:db8::2']}${PORTS}`),
    '2001:db8::1',
  ],
  [
    'version 2, IPv4-mapped',
    binaryProxyHeader(0x21, 0x21, `${IPV6.mapped}${IPV6['2001:db8::2']}${PORTS}`),
    '192.0.2.1',
  ],
  [
    'version 2, with TLVs behind the addresses',
    binaryProxyHeader(0x21, 0x11, `c0000201c6336401${PORTS}04000300a1b2ea000501766963`),
    '192.0.2.1',
  ],
  ['version 2, UNIX', binaryProxyHeader(0x21, 0x31, '00'.repeat(216)), undefined],
  ['version 2, UNSPEC', binaryProxyHeader(0x21, 0x00, ''), undefined],
  ['version 2, UNSPEC with TLVs', binaryProxyHeader(0x21, 0x00, '04000300a1b2'), undefined],
  ['version 2, LOCAL', binaryProxyHeader(0x20, 0x00, ''), undefined],
  ['version 2, LOCAL with addresses', binaryProxyHeader(0x20, 0x11, `c0000201c6336401${PORTS}`), undefined],
  ['version 2, LOCAL with an unknown family', binaryProxyHeader(0x20, 0xff, '0102'), undefined],
  ['version 2, 4096 bytes', binaryProxyHeader(0x21, 0x11, '00'.repeat(4080)), '0.0.0.0'],
];

const INVALID: readonly [string, Buffer][] = [
  ['version 1 without CRLF in 107 bytes', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(93)}`)],
  ['version 1 with a line of 108 bytes', text(`PROXY UNKNOWN ${'x'.repeat(92)}`)],
  ['version 1 with an unknown protocol', text('PROXY UDP4 192.0.2.1 198.51.100.1 1 2')],
  ['version 1 with a protocol in lower case', text('PROXY tcp4 192.0.2.1 198.51.100.1 1 2')],
  ['version 1 without ports', text('PROXY TCP4 192.0.2.1 198.51.100.1')],
  ['version 1 with two spaces', text('PROXY TCP4  192.0.2.1 198.51.100.1 1 2')],
  ['version 1 with a further field', text('PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3')],
  ['version 1 with an address of the other family', text('PROXY TCP4 2001:db8::1 198.51.100.1 1 2')],
  ['version 1 with a destination of the other family', text('PROXY TCP6 2001:db8::1 198.51.100.1 1 2')],
  ['version 1 with a leading zero in the address', text('PROXY TCP4 192.0.2.01 198.51.100.1 1 2')],
  ['version 1 with a zone', text('PROXY TCP6 fe80::1%eth0 fe80::2 1 2')],
  ['version 1 with a port above 65535', text('PROXY TCP4 192.0.2.1 198.51.100.1 65536 2')],
  ['version 1 with a leading zero in the port', text('PROXY TCP4 192.0.2.1 198.51.100.1 01 2')],
  [
    'version 1 with a bare line feed',
    Buffer.from(`PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n${'x'.repeat(90)}`),
  ],
  ['version 2 with the version number 1', binaryProxyHeader(0x11, 0x11, `c0000201c6336401${PORTS}`)],
  ['version 2 with the version number 3', binaryProxyHeader(0x31, 0x11, `c0000201c6336401${PORTS}`)],
  ['version 2 with an unknown command', binaryProxyHeader(0x22, 0x11, `c0000201c6336401${PORTS}`)],
  ['version 2 with an unknown family', binaryProxyHeader(0x21, 0x41, '00'.repeat(216))],
  ['version 2 with an unknown transport', binaryProxyHeader(0x21, 0x13, `c0000201c6336401${PORTS}`)],
  [
    'version 2 with a length below that of its addresses',
    binaryProxyHeader(0x21, 0x11, 'c0000201c6336401d431'),
  ],
  ['version 2 with 4097 bytes', binaryProxyHeader(0x21, 0x11, '00'.repeat(4081))],
];

describe('a PROXY header', () => {
  it.each(VALID)('(%s) is parsed, also with bytes behind it', (_what, bytes, client) => {
    const header = { length: bytes.length, client };
    expect(parseProxyHeader(bytes)).toEqual(header);
    expect(parseProxyHeader(Buffer.concat([bytes, TLS_HELLO]))).toEqual(header);
    expect(parseProxyHeader(Buffer.concat([bytes, bytes]))).toEqual(header);
  });

  it.each(VALID)('(%s) is incomplete until its last byte', (_what, bytes) => {
    const parts = Array.from(bytes.keys(), (end) => parseProxyHeader(bytes.subarray(0, end)));
    expect(new Set(parts)).toEqual(new Set(['incomplete']));
  });

  it.each(INVALID)('(%s) is invalid', (_what, bytes) => {
    expect(parseProxyHeader(bytes)).toBe('invalid');
  });

  it.each([
    ['a TLS handshake', TLS_HELLO],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
    ['text that only resembles version 1', Buffer.from('PROXYTCP4 ')],
    ['version 1 in lower case', Buffer.from('proxy TCP4 ')],
    [
      'the signature of version 2 with another last byte',
      Buffer.from(`${PROXY_SIGNATURE.slice(0, -2)}0b`, 'hex'),
    ],
  ])('is missing in %s', (_what, bytes) => {
    expect(parseProxyHeader(bytes)).toBe('missing');
  });

  it('with one changed byte never has more than 4096 bytes or an invalid client address', () => {
    const changed = VALID.filter(([, bytes]) => bytes.length < 256).flatMap(([, bytes]) =>
      Array.from({ length: bytes.length * 256 }, (_, at) => {
        const copy = Buffer.concat([bytes, TLS_HELLO]);
        copy[Math.floor(at / 256)] = at % 256;
        return parseProxyHeader(copy);
      }),
    );
    const headers = changed.filter((result) => typeof result === 'object');
    expect(headers.length).toBeGreaterThan(10_000);
    expect(headers.filter(({ length }) => length > 4096)).toEqual([]);
    expect(headers.filter(({ client }) => client !== undefined && isIP(client) === 0)).toEqual([]);
  });
});
