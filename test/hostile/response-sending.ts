import type { ServerResponse } from 'node:http';
import { MARKER, type ResponseMaterial } from './hostile-responses.js';
import type { Chance } from './round.js';

type Send = (response: ServerResponse, text: string, chance: Chance, material: ResponseMaterial) => void;

const raw =
  (bytes: (text: string, chance: Chance) => string | Buffer): Send =>
  (response, text, chance) => {
    response.socket?.end(bytes(text, chance));
  };
const head = (text: string, ...lines: string[]) =>
  ['HTTP/1.1 200 OK', ...lines, `Content-Length: ${Buffer.byteLength(text)}`, '', ''].join('\r\n');

/** Ways to send a response after which it must never become a Link. */
export const WRONG_SENDING: Readonly<Record<string, Send>> = {
  'another status': (response, text, chance, { trap }) => {
    const status = chance.pick([
      201, 202, 204, 206, 300, 301, 302, 303, 307, 308, 304, 400, 401, 404, 407, 418, 429, 500, 502, 503, 599,
    ]);
    response.writeHead(status, {
      location: trap,
      'www-authenticate': `Basic realm="${MARKER}"`,
      'retry-after': '99999999',
    });
    response.end(text);
  },
  'a problem of an odd code': (response, _text, chance) => {
    const code = chance.pick([MARKER, '__proto__', 'constructor', 7, null, {}, 'redeemed', '']);
    response.writeHead(403, { 'content-type': 'application/problem+json', 'linkgrant-reason': MARKER });
    response.end(
      chance.pick([
        JSON.stringify({ code, title: MARKER }),
        'null',
        '[]',
        '"x"',
        '{',
        JSON.stringify({ code: 'grant_expired' }),
      ]),
    );
  },
  'a body shorter than announced': raw((text) => head(`${text}x`, 'x: y') + text),
  'a truncated body': raw((text, chance) => head(text) + text.slice(0, chance.below(text.length))),
  'chunks without an end': raw(
    (text) =>
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n`,
  ),
  'chunks of an odd size': raw(
    (text, chance) =>
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chance.pick(['-1', 'zz', 'ffffffffffffffffff', '5'])}\r\n${text}`,
  ),
  'two lengths': raw((text) => head(text, 'Content-Length: 1') + text),
  'no HTTP': raw((text, chance) =>
    chance.pick([text, `HTTP/9.9 200 OK\r\n\r\n${text}`, 'SSH-2.0-x\r\n', chance.bytes(500)]),
  ),
  'other protocols': raw(
    () => 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
  ),
  'a header without an end': raw(
    (_text, chance) => `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(chance.pick([10, 50_000]))}`,
  ),
  'only interim responses': raw((_text, chance) =>
    'HTTP/1.1 100 Continue\r\n\r\n'.repeat(chance.pick([1, 10_000])),
  ),
  compressed: (response, text) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(Buffer.from(`\x1f\x8b${text}`, 'latin1'));
  },
  'bytes that are not UTF-8': (response, text) => {
    response.end(Buffer.concat([Buffer.from(text), Buffer.of(0xff, 0xfe, 0xc0)]));
  },
  'a body without an end': (response) => {
    const timer = setInterval(() => response.write('#'.repeat(100_000)), 5);
    response.once('close', () => clearInterval(timer));
  },
  'single bytes with pauses': (response, text) => {
    let sent = 0;
    const timer = setInterval(() => response.write(text.charAt(sent++)), 100);
    response.once('close', () => clearInterval(timer));
  },
  'no response': () => undefined,
  'a reset': (response) => {
    response.socket?.destroy();
  },
};
