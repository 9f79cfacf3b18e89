const utf8 = (text: string) => Buffer.from(text).toString('latin1');

/** Methods other than POST. */
export const METHODS =
  'GET HEAD PUT PATCH DELETE OPTIONS TRACE CONNECT QUERY PROPFIND post PoST POSTX PO ST'.split(' ');

/** Values of the version in a request line, other than HTTP/1.1. */
export const VERSIONS =
  'HTTP/1.0 HTTP/0.9 HTTP/1.2 HTTP/2.0 HTTP/2 HTTP/3.0 HTTP/1.10 HTTP/01.1 http/1.1 RTSP/1.0 ICE/1.0 SIP/2.0 HTTP/'.split(
    ' ',
  );

/** Values of the header `name`. */
export const NAMES = [
  '',
  '.',
  '-a',
  'A',
  'a_b',
  'a/b',
  '../../etc/passwd',
  'a..b',
  'x'.repeat(254),
  'a\tb',
  '\xff',
  '{{7*7}}',
  'default',
];

/** Values of the header `subject`, as Latin-1 text. */
export const SUBJECTS = [
  '',
  '\x7f',
  '\xc3\x28',
  utf8('\u202eevil'),
  utf8('\ufeffa'),
  utf8('\u0000'),
  'x'.repeat(254),
  'a, b',
  'CN=admin',
  utf8('東京'),
];

/** Values of the header `Accept`. */
export const ACCEPTS = [
  '*/*',
  'application/problem+json',
  'application/problem+json;q=0',
  ',,,',
  'x'.repeat(2_000),
  '\xff',
];

/** Header lines that determine the length of the body. */
export const FRAMINGS: readonly (readonly string[])[] = [
  ['Content-Length: 24', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 0'],
  ['Content-Length: 24', 'Content-Length: 25'],
  ['Content-Length: 24', 'Content-Length: 24'],
  ...[
    '24, 24',
    '+24',
    '-1',
    '0x18',
    '024',
    '24 ',
    ' 24',
    '2_4',
    '24.0',
    '1e3',
    '',
    'NaN',
    '9'.repeat(40),
  ].map((length) => [`Content-Length: ${length}`]),
  ...[
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'xchunked',
    ' chunked',
    'identity',
    'Chunked',
    '"chunked"',
    'chunked;q=1',
    '',
  ].map((coding) => [`Transfer-Encoding: ${coding}`]),
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding:\tchunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
  [],
];

/** Header lines, most of them malformed. */
export const LINES = [
  ' folded',
  '\tfolded',
  'no-colon',
  ': empty',
  'a b: c',
  'x\x00: y',
  'x: \x00',
  'x: \r y',
  'x: a\ny: b',
  '\xff: x',
  'x:',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Upgrade: h2c',
  'Connection: Upgrade',
  'Connection: keep-alive',
  'Content-Encoding: gzip',
  'Trailer: csr',
  '__proto__: x',
  'constructor: y',
  'X-Forwarded-For: 10.0.0.1',
  'Forwarded: for=10.0.0.1',
  'X-HTTP-Method-Override: POST',
];

/** Values of the header `Host`. */
export const HOSTS = [
  '',
  ' ',
  '[::1',
  'a/b',
  'a b',
  'evil@host',
  'x'.repeat(3_000),
  '\xff',
  '127.0.0.1:99999',
];
