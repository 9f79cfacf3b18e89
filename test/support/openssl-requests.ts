import { execFileSync } from 'node:child_process';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { encodeRequestLine } from '../../src/codes/request-line.js';

const P256 = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** A certificate request of OpenSSL, and its private key. */
export interface OpensslRequest {
  /** PEM, as OpenSSL wrote it. */
  readonly pem: string;
  /** The same request as one word. */
  readonly line: string;
  readonly key: KeyObject;
  readonly keyPem: string;
}

/** Creates a certificate request as `openssl req -new` does; `newKey` are the arguments of `-newkey`, `more` further ones. */
export function opensslRequest(
  subject = '/CN=east',
  {
    newKey = P256,
    more = [],
  }: { readonly newKey?: readonly string[]; readonly more?: readonly string[] } = {},
): OpensslRequest {
  const words = [
    '-newkey',
    ...newKey,
    '-nodes',
    '-keyout',
    '-',
    '-subj',
    subject,
    '-utf8',
    '-batch',
    ...more,
  ];
  const text = execFileSync('openssl', ['req', '-new', ...words], { stdio: 'pipe' }).toString();
  const keyPem = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(text)?.[0] ?? '';
  const pem = text.replace(keyPem, '');
  return { pem, line: encodeRequestLine(derOf(pem)) ?? '', key: createPrivateKey(keyPem), keyPem };
}

const good = opensslRequest();
const lines = good.pem.split('\n');

/** Texts that contain no certificate request that a token can be issued for: what they are, the text, part of the reason. */
export const UNUSABLE_REQUESTS: readonly (readonly [string, string, string])[] = [
  ['an empty line', '\n', 'contains no certificate request'],
  ['the key beside the request', good.keyPem + good.pem, 'contains a private key'],
  [
    'an encrypted key beside the request',
    `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n${good.pem}`,
    'contains a private key',
  ],
  ['two requests', good.pem + opensslRequest('/CN=west').pem, 'more than one'],
  ['a request without its end', lines.slice(0, -2).join('\n'), 'cut off'],
  ['a request without its beginning', lines.slice(1).join('\n'), 'cut off'],
  ['two request lines', `${good.line} ${opensslRequest('/CN=west').line}`, 'more than one'],
  ['a request and its line', `${good.pem}${good.line}`, 'more than one'],
  ['a request line without its end', good.line.slice(0, -9), 'cut off'],
  [
    'a request line with a wrong letter',
    good.line.replace(/.$/, (end) => (end === 'a' ? 'b' : 'a')),
    'checksum',
  ],
  ['a request without a line in its middle', lines.toSpliced(2, 1).join('\n'), 'not a PKCS#10 request'],
  ['a request whose lines are quoted', lines.join('\n> '), 'not base64'],
  ['a request with another signature', withChangedSignature(good.pem), 'does not prove possession'],
  [
    'a request of 4 KiB',
    opensslRequest(`/CN=${'x'.repeat(60)}`, { more: manyNames() }).pem,
    'larger than 4 KiB',
  ],
  [
    'a request of a short RSA key',
    opensslRequest('/CN=a', { newKey: ['rsa:1024'] }).pem,
    'RSA key of 1024 bits',
  ],
  ['a request without a subject', opensslRequest('/').pem, 'not one common name'],
  ['a request with two common names', opensslRequest('/CN=a/CN=b').pem, 'not one common name'],
  ['a request with an organization', opensslRequest('/O=a/CN=b').pem, 'not one common name'],
  [
    'a request whose common name has a control character',
    opensslRequest('/CN=a\u0007').pem,
    'not one common name',
  ],
];

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

function withChangedSignature(pem: string): string {
  const der = derOf(pem);
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function manyNames(): readonly string[] {
  const names = Array.from({ length: 200 }, (_, index) => `DNS:host-${index}.example.com`);
  return ['-addext', `subjectAltName=${names.join(',')}`];
}
