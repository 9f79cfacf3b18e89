import { createHmac, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isTokenId,
  keyPrefixOf,
  newCodeId,
  replacedRedemptionId,
  requestCodeId,
} from '../../../src/codes/code-id.js';
import {
  mintSignedCode,
  readSignedCode,
  type SignedCode,
  signedCodeKid,
  verifySignedCode,
} from '../../../src/codes/signed-code.js';
import { createMasterKey, grantSigningKey } from '../../../src/codes/signing-keys.js';

const UID = '5f0c6f0a-6a49-4a5e-9a0f-0d3b54b3f1c2';
const master = createMasterKey();
const key = grantSigningKey(master, UID);
const NOW = Date.parse('2031-03-04T05:06:07Z');

const sample = (changes: Partial<SignedCode> = {}): SignedCode => ({
  jti: 'abcdef0123456789',
  grantUid: UID,
  uses: 3,
  issuedAt: NOW,
  expirationTime: NOW + 60_000,
  ...changes,
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADER = { alg: 'HS256', typ: 'linkgrant-code+jwt', kid: key.kid };
const CLAIMS = { sub: UID, jti: 'abcdef0123456789', iat: NOW / 1000, exp: NOW / 1000 + 60, uses: 1 };

const KEY = 'ab'.repeat(32);
const BOUND_HEADER = { ...HEADER, typ: 'linkgrant-bound-code+jwt' };
const BOUND_CLAIMS = { ...CLAIMS, subject: 'east', key: KEY };
const REPLACED = '0b7e7dee-87ab-4f0e-9d5c-0d3b54b3f1c2';
const REPLACING_CLAIMS = {
  ...CLAIMS,
  jti: `re-${REPLACED}-1a2b`,
  subject: 'east',
  replaces: REPLACED,
};

/** A JWS with an HMAC under the key `bytes`; its header may name another algorithm. */
function jws(header: unknown, claims: unknown, { bytes = key.key, hash = 'sha256' } = {}): string {
  const signed = `${encode(header)}.${typeof claims === 'string' ? claims : encode(claims)}`;
  return `${signed}.${createHmac(hash, bytes).update(signed).digest('base64url')}`;
}

const verify = (code: string, uid = UID, signingKey = key) =>
  verifySignedCode(Buffer.from(code, 'latin1'), uid, signingKey);

describe('a signed code', () => {
  it('returns its original claims when verified, and when read without the key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          {
            jti: fc.stringMatching(/^[A-Za-z0-9_-]{8,64}$/),
            grantUid: fc.constant(UID),
            uses: fc.integer({ min: 1, max: 1_000_000 }),
            issuedAt: fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => s * 1000),
            expirationTime: fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => s * 1000),
            subject: fc.constantFrom('east', 'Größe 7', '☃', 'x'.repeat(253)),
          },
          { requiredKeys: ['jti', 'grantUid', 'uses', 'issuedAt', 'expirationTime'] },
        ),
        async (claims) => {
          const code = await mintSignedCode(claims, key);
          expect(await verify(code)).toEqual(claims);
          expect(readSignedCode(code)).toEqual(claims);
          expect(signedCodeKid(Buffer.from(code))).toBe(master.kid);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has another type if it is bound to a key, and is then read with that key', async () => {
    const bound = sample({ subject: 'east', keySha256: KEY });
    const code = await mintSignedCode(bound, key);
    expect(JSON.parse(Buffer.from(code.split('.')[0] ?? '', 'base64url').toString())).toEqual(BOUND_HEADER);
    expect(await verify(code)).toEqual(bound);
    expect(readSignedCode(code)).toEqual(bound);
    expect(signedCodeKid(Buffer.from(code))).toBe(master.kid);
    expect(await verify(jws(BOUND_HEADER, BOUND_CLAIMS))).toEqual({ ...bound, uses: 1 });
  });

  it('can have an id that names the key that it is bound to', async () => {
    const jti = newCodeId(KEY);
    expect(jti).toMatch(/^key-(?:ab){8}-[0-9a-f]{12}$/);
    expect(keyPrefixOf(jti)).toBe('ab'.repeat(8));
    expect(keyPrefixOf(newCodeId())).toBeUndefined();
    const bound = sample({ subject: 'east', keySha256: KEY, jti });
    expect(await verify(await mintSignedCode(bound, key))).toEqual(bound);
  });

  it.each([undefined, REPLACED])('has one id for the request of a key that replaces %s', (replaces) => {
    const id = requestCodeId(KEY, replaces);
    expect(isTokenId(id)).toBe(true);
    expect(KEY.startsWith(keyPrefixOf(id) ?? 'none')).toBe(true);
    expect(replacedRedemptionId(id)).toBe(replaces);
  });

  it.each<{ readonly keySha256?: string }>([{}, { keySha256: KEY }])(
    'has the other type if it replaces a redemption, with the key of %j',
    async (bound) => {
      const jti = newCodeId(bound.keySha256, REPLACED);
      expect(keyPrefixOf(jti)).toBe(bound.keySha256?.slice(0, 16));
      const replaces = { jti, replaces: REPLACED };
      const code = await mintSignedCode(sample({ ...replaces, ...bound, subject: 'east' }), key);
      expect(JSON.parse(Buffer.from(code.split('.')[0] ?? '', 'base64url').toString())).toEqual(BOUND_HEADER);
      expect(await verify(code)).toEqual(sample({ ...replaces, ...bound, subject: 'east' }));
      expect(readSignedCode(code)).toEqual(await verify(code));
    },
  );

  it('ignores a claim `key` if its type is not that of a bound code', async () => {
    expect(await verify(jws(HEADER, BOUND_CLAIMS))).toEqual(sample({ uses: 1, subject: 'east' }));
  });

  it('can be created by any other program by RFC 7515, with one use by default', async () => {
    const { uses: _one, ...claims } = CLAIMS;
    expect(await verify(jws(HEADER, claims))).toEqual(sample({ uses: 1 }));
  });

  it('is refused with any changed character', async () => {
    const code = await mintSignedCode(sample(), key);
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= +/\n\0é';
    await fc.assert(
      fc.asyncProperty(
        fc.nat(code.length - 1),
        fc.constantFrom(...characters),
        fc.constantFrom('replace', 'insert', 'remove'),
        async (at, character, how) => {
          const rest = code.slice(how === 'insert' ? at : at + 1);
          const changed = code.slice(0, at) + (how === 'remove' ? '' : character) + rest;
          expect(await verify(changed)).toEqual(changed === code ? sample() : undefined);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('is refused if it is cut or extended', async () => {
    const code = await mintSignedCode(sample(), key);
    for (let length = 0; length < code.length; length += 1) {
      expect(await verify(code.slice(0, length))).toBeUndefined();
    }
    for (const more of ['A', '.', '..', '.A', 'AAAA', '\n', ' ', `.${code}`]) {
      expect(await verify(code + more)).toBeUndefined();
    }
  });

  it('is refused if it names another grant, or if any key but that of its grant signed it', async () => {
    const other = randomUUID();
    expect(await verify(await mintSignedCode(sample({ grantUid: other }), key))).toBeUndefined();
    expect(await verify(await mintSignedCode(sample(), grantSigningKey(master, other)))).toBeUndefined();
    const foreign = { ...createMasterKey(), kid: master.kid };
    expect(await verify(await mintSignedCode(sample(), grantSigningKey(foreign, UID)))).toBeUndefined();
    expect(await verify(await mintSignedCode(sample(), { ...key, key: master.key }))).toBeUndefined();
  });

  it.each([
    ['no algorithm', `${encode({ ...HEADER, alg: 'none' })}.${encode(CLAIMS)}.`],
    ['no algorithm, but a signature', jws({ ...HEADER, alg: 'none' }, CLAIMS)],
    ['HS512', jws({ ...HEADER, alg: 'HS512' }, CLAIMS, { hash: 'sha512' })],
    ['RS256 in the header of an HMAC', jws({ ...HEADER, alg: 'RS256' }, CLAIMS)],
    ['another type', jws({ ...HEADER, typ: 'JWT' }, CLAIMS)],
    ['the type of a renewal', jws({ ...HEADER, typ: 'linkgrant-renewal+jwt' }, CLAIMS)],
    ['the type of a bound code, but no key', jws(BOUND_HEADER, { ...CLAIMS, subject: 'east' })],
    ['a bound code for any subject', jws(BOUND_HEADER, { ...CLAIMS, key: KEY })],
    ['a bound code with an unknown claim', jws(BOUND_HEADER, { ...BOUND_CLAIMS, aud: 'x' })],
    ['a bound code whose key is in capitals', jws(BOUND_HEADER, { ...BOUND_CLAIMS, key: KEY.toUpperCase() })],
    ['a bound code whose key is cut', jws(BOUND_HEADER, { ...BOUND_CLAIMS, key: KEY.slice(1) })],
    ['a bound code whose key is a list', jws(BOUND_HEADER, { ...BOUND_CLAIMS, key: [KEY] })],
    [
      'an id that names another key',
      jws(BOUND_HEADER, { ...BOUND_CLAIMS, jti: 'key-abababababababac-000000000000' }),
    ],
    [
      'the id of a bound code, but no key',
      jws(HEADER, { ...CLAIMS, jti: 'key-abababababababab-000000000000' }),
    ],
    ['an id that replaces a redemption, but no claim', jws(HEADER, { ...CLAIMS, jti: REPLACING_CLAIMS.jti })],
    ['such an id for a bound code', jws(BOUND_HEADER, { ...BOUND_CLAIMS, jti: REPLACING_CLAIMS.jti })],
    [
      'an id that names a key and a redemption, but no key',
      jws(BOUND_HEADER, { ...REPLACING_CLAIMS, jti: newCodeId(KEY, REPLACED) }),
    ],
    ['a claim `replaces` in the type of other codes', jws(HEADER, REPLACING_CLAIMS)],
    ['a claim `replaces` and another id', jws(BOUND_HEADER, { ...REPLACING_CLAIMS, jti: CLAIMS.jti })],
    [
      'a claim `replaces` that differs from the id',
      jws(BOUND_HEADER, { ...REPLACING_CLAIMS, replaces: UID }),
    ],
    ['a claim `replaces` that is a list', jws(BOUND_HEADER, { ...REPLACING_CLAIMS, replaces: [REPLACED] })],
    ['a code that replaces for any subject', jws(BOUND_HEADER, { ...REPLACING_CLAIMS, subject: undefined })],
    ['no type', jws({ alg: 'HS256', kid: key.kid }, CLAIMS)],
    ['a critical header that is not understood', jws({ ...HEADER, crit: ['b64'], b64: false }, CLAIMS)],
    ['a critical header of RFC 7797', jws({ ...HEADER, crit: ['b64'], b64: true }, CLAIMS)],
    ['critical claims', jws(HEADER, { ...CLAIMS, crit: ['uses'] })],
    ['an nbf that is no number', jws(HEADER, { ...CLAIMS, nbf: 'tomorrow' })],
    ['an empty key', jws(HEADER, CLAIMS, { bytes: new Uint8Array(0) })],
    ['claims that are no JSON', jws(HEADER, Buffer.from('{"sub":').toString('base64url'))],
    ['claims that are no object', jws(HEADER, encode([CLAIMS]))],
    ['null for claims', jws(HEADER, encode(null))],
    ['claims that are no UTF-8', jws(HEADER, Buffer.from([0x22, 0xff, 0x22]).toString('base64url'))],
    ['no id', jws(HEADER, { ...CLAIMS, jti: undefined })],
    ['a short id', jws(HEADER, { ...CLAIMS, jti: 'short' })],
    ['a space and a colon in the id', jws(HEADER, { ...CLAIMS, jti: 'with a:colon' })],
    ['no expiry', jws(HEADER, { ...CLAIMS, exp: undefined })],
    ['text for an expiry', jws(HEADER, { ...CLAIMS, exp: '2031' })],
    ['an expiry beyond the range of Date', jws(HEADER, { ...CLAIMS, exp: 1e300 })],
    ['no issue time', jws(HEADER, { ...CLAIMS, iat: undefined })],
    ['0 uses', jws(HEADER, { ...CLAIMS, uses: 0 })],
    ['half a use', jws(HEADER, { ...CLAIMS, uses: 0.5 })],
    ['too many uses', jws(HEADER, { ...CLAIMS, uses: 1e9 })],
    ['an empty subject', jws(HEADER, { ...CLAIMS, subject: '' })],
    ['a subject of several lines', jws(HEADER, { ...CLAIMS, subject: 'a\nb' })],
    ['more than 4 KiB', jws(HEADER, { ...CLAIMS, filling: 'x'.repeat(4_096) })],
  ])('is refused with %s', async (_what, code) => {
    expect(await verify(jws(HEADER, CLAIMS))).toBeDefined();
    expect(await verify(code)).toBeUndefined();
  });

  it('is refused without an exception if it is arbitrary text', async () => {
    const part = fc.oneof(
      fc.base64String().map((text) => text.replace(/=+$/, '')),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    );
    const header = fc.oneof(part, fc.constant(encode(HEADER)));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.tuple(header, part, part)), async (input) => {
        const code = Array.isArray(input) ? input.join('.') : input;
        signedCodeKid(Buffer.from(code));
        readSignedCode(code);
        expect(await verify(code)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
    expect(signedCodeKid(Buffer.from(`eyJ${'A'.repeat(5_000)}.a.a`))).toBeUndefined();
  });
});

describe('the signing key of a grant', () => {
  it('differs for each grant and each master key, and is always the same for one grant and master key', () => {
    const keys = [key, grantSigningKey(master, randomUUID()), grantSigningKey(createMasterKey(), UID)];
    expect(new Set(keys.map(({ key: bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(3);
    expect(grantSigningKey(master, UID)).toEqual(key);
    for (const { key: bytes } of keys) expect(bytes).toHaveLength(32);
  });
});

it.each([
  ['abcdefgh', true],
  ['A-_9'.repeat(16), true],
  ['abcdefg', false],
  ['a'.repeat(65), false],
  ['abcdefgh\n', false],
  ['abcd efgh', false],
])('%j is a token id: %s', (id, is) => {
  expect(isTokenId(id)).toBe(is);
});
