import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { containsJoinLine, encodeJoinLine } from '../../../src/codes/join-line.js';
import {
  containsRequestLine,
  decodeRequestLine,
  encodeRequestLine,
} from '../../../src/codes/request-line.js';
import { createCertificateRequest } from '../../../src/pki/requests.js';
import { newKey } from '../../support/redeemed-answer.js';

const der = createCertificateRequest(newKey(), 'Größe 7');
const line = encodeRequestLine(der) ?? '';
const rsa = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey;

describe('a request line', () => {
  it('is one word of letters and digits, and returns the request', () => {
    expect(line).toMatch(/^lgq1_[0-9A-Za-z]{200,400}$/);
    expect(Buffer.from(decodeRequestLine(line))).toEqual(Buffer.from(der));
  });

  it('has room for a request with the largest accepted key', () => {
    const large = createCertificateRequest(rsa, 'x'.repeat(64));
    expect(Buffer.from(decodeRequestLine(encodeRequestLine(large) ?? ''))).toEqual(Buffer.from(large));
  });

  it('is not encoded if it would be longer than 3,850 characters', () => {
    expect(encodeRequestLine(Buffer.alloc(3_000, 1))).toBeUndefined();
  });

  it('is read in a sentence, wrapped, quoted and with escapes', () => {
    const wrapped = `Please: "${line.replace(/.{40}/g, '$&\n> ')}". Thanks`;
    expect(Buffer.from(decodeRequestLine(wrapped))).toEqual(Buffer.from(der));
    expect(containsRequestLine(wrapped)).toBe(true);
  });

  it.each([
    ['cut', line.slice(0, -3), /^it was cut off: it has \d+ of \d+ characters$/],
    ['mistyped', line.slice(0, -1) + (line.endsWith('A') ? 'B' : 'A'), /^its checksum does not match/],
    ['in capitals', line.toUpperCase(), /letters were changed/],
    ['missing', 'lgj', /^it does not contain lgq1_/],
  ])('is not read if it is %s', (_how, text, reason) => {
    expect(decodeRequestLine(text)).toMatch(reason);
  });

  it('is no join line, nor is a join line a request line', () => {
    const join = encodeJoinLine({ name: 'x', url: 'https://localhost/x', code: 'c', ca: undefined }) ?? '';
    expect([containsJoinLine(line), containsRequestLine(join)]).toEqual([false, false]);
  });
});
