import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readIdentityKeys } from '../../../../src/codes/identity-keys.js';
import { verifyIdentity } from '../../../../src/redemption/accepting/identities/verify-identity.js';
import type { LoadedProvider } from '../../../../src/redemption/ports/identity-providers.js';
import {
  ALGORITHMS,
  type IdentityIssuer,
  identityIssuer,
  identityToken,
  type TokenChanges,
} from '../../../support/identity-issuer.js';

const NOW = Date.UTC(2031, 0, 31, 8);
const ORIGIN = 'https://grants.example.com:9090';
const SUB = 'system:serviceaccount:edge:linkgrant';
const KEY = createHash('sha256').update('the key of the request').digest('hex');
const OTHER_KEY = createHash('sha256').update('another key').digest('hex');
const SECONDS = NOW / 1000;

const east = identityIssuer();

async function provider(
  issuer: IdentityIssuer,
  changes: Partial<LoadedProvider> = {},
): Promise<LoadedProvider> {
  const keys = await readIdentityKeys(JSON.stringify({ keys: [issuer.jwk] }));
  return {
    name: 'east',
    issuer: issuer.iss,
    audience: ORIGIN,
    isKeyBindingRequired: false,
    keys,
    ...changes,
  };
}

function verifierOf(providers: readonly LoadedProvider[], unknownKeys: string[] = []) {
  return (text: string, keySha256: string | undefined = KEY) =>
    verifyIdentity(Buffer.from(text), {
      providers: {
        list: () => providers,
        reportUnknownKey: (issuer) => void unknownKeys.push(issuer),
        countToken: () => undefined,
        clock: () => NOW,
      },
      requestedKey: () => keySha256,
    });
}

const verify = verifierOf([await provider(east)]);
const tokenOf = (issuer: IdentityIssuer, changes?: TokenChanges, aud: unknown = ORIGIN) =>
  identityToken(issuer, { sub: SUB, aud, now: NOW }, changes);

describe('verifyIdentity', () => {
  it.each(ALGORITHMS)('accepts a token with %s', async (algorithm) => {
    const issuer = identityIssuer(algorithm);
    const verifyOne = verifierOf([await provider(issuer)]);
    expect(await verifyOne(tokenOf(issuer))).toEqual({ provider: 'east', sub: SUB });
    const untyped = tokenOf(issuer, { header: { typ: undefined } });
    expect(await verifyOne(untyped)).toEqual({ provider: 'east', sub: SUB });
  });

  it.each<[string, TokenChanges]>([
    ['alg none', { header: { alg: 'none' } }],
    ['HS256 with the public key', { header: { alg: 'HS256' } }],
    ['an algorithm of another key', { header: { alg: 'RS256' } }],
    ['the type of a logout token', { header: { typ: 'logout+jwt' } }],
    ['the type of an access token', { header: { typ: 'at+jwt' } }],
    ['the type of a signed code', { header: { typ: 'linkgrant-code+jwt' } }],
    ['no kid', { header: { kid: undefined } }],
    ['a kid that is a number', { header: { kid: 1 } }],
    ['critical header parameters', { header: { crit: ['b64'], b64: true } }],
    ['an unknown critical header parameter', { header: { crit: ['x'], x: 1 } }],
    ['no audience', { claims: { aud: undefined } }],
    ['an audience that is a number', { claims: { aud: 9090 } }],
    ['an audience that is an object', { claims: { aud: { [ORIGIN]: ORIGIN } } }],
    ['an audience that is true', { claims: { aud: true } }],
    ['an empty list of audiences', { claims: { aud: [] } }],
    ['a list in the list of audiences', { claims: { aud: [[ORIGIN]] } }],
    ['an audience that begins with that of the service', { claims: { aud: `${ORIGIN}/` } }],
    ['an audience that is the beginning of that of the service', { claims: { aud: ORIGIN.slice(0, -1) } }],
    ['the audience of another service', { claims: { aud: 'https://other.example.com' } }],
    ['an audience with another key', { claims: { aud: `${ORIGIN}#${OTHER_KEY}` } }],
    [
      'an audience with another key beside the service',
      { claims: { aud: [ORIGIN, `${ORIGIN}#${OTHER_KEY}`] } },
    ],
    ['an audience with both keys', { claims: { aud: [`${ORIGIN}#${KEY}`, `${ORIGIN}#${OTHER_KEY}`] } }],
    ['an audience with the key in upper case', { claims: { aud: `${ORIGIN}#${KEY.toUpperCase()}` } }],
    ['an audience with an empty key', { claims: { aud: `${ORIGIN}#` } }],
    ['another issuer', { claims: { iss: 'https://other.example.com' } }],
    ['no issuer', { claims: { iss: undefined } }],
    ['a list of issuers', { claims: { iss: [east.iss] } }],
    ['no subject', { claims: { sub: undefined } }],
    ['an empty subject', { claims: { sub: '' } }],
    ['a subject that is a number', { claims: { sub: 7 } }],
    ['a subject with a line break', { claims: { sub: 'a\nb' } }],
    ['a subject of 513 characters', { claims: { sub: 'a'.repeat(513) } }],
    ['no expiry', { claims: { exp: undefined } }],
    ['an expiry that is a text', { claims: { exp: String(SECONDS + 60) } }],
    [
      'an expiry without end',
      { text: `{"iss":"${east.iss}","sub":"a","aud":"${ORIGIN}","iat":1,"exp":1e999}` },
    ],
    ['an expiry more than a minute ago', { claims: { exp: SECONDS - 61, iat: SECONDS - 90 } }],
    ['no time of issue', { claims: { iat: undefined } }],
    ['a time of issue in more than a minute', { claims: { iat: SECONDS + 61 } }],
    ['a start in more than a minute', { claims: { nbf: SECONDS + 61 } }],
    ['a start that is a text', { claims: { nbf: '1' } }],
    ['a lifetime over 24 hours', { claims: { exp: SECONDS + 600, iat: SECONDS + 599 - 86_400 } }],
    [
      'a claim twice',
      {
        text: `{"iss":"${east.iss}","sub":"a","sub":"${SUB}","aud":"${ORIGIN}","iat":${SECONDS},"exp":${SECONDS + 60}}`,
      },
    ],
    [
      'a claim twice, once with an escape',
      {
        text: `{"iss":"${east.iss}","\\u0073ub":"a","sub":"${SUB}","aud":"${ORIGIN}","iat":${SECONDS},"exp":${SECONDS + 60}}`,
      },
    ],
    [
      'a name twice in a nested object',
      {
        text: `{"a":[{"b":1,"b":2}],"iss":"${east.iss}","sub":"${SUB}","aud":"${ORIGIN}","iat":${SECONDS},"exp":${SECONDS + 60}}`,
      },
    ],
    ['claims that are a list', { text: '[]' }],
    ['claims that are null', { text: 'null' }],
    ['claims that are no JSON', { text: '{' }],
  ])('refuses a token with %s', async (_what, changes) => {
    const refused = await verify(tokenOf(east, changes));
    expect(refused).toMatchObject({ failed: expect.any(String) });
    // The log of the operator gets this text.
    expect(JSON.stringify(refused)).not.toMatch(/serviceaccount|other\.example|eyJ/);
  });

  it.each<[string, unknown]>([
    ['the service among other audiences', ['https://other.example.com', ORIGIN, 7]],
    ['the service with the key of the request', `${ORIGIN}#${KEY}`],
    ['the service without and with the key of the request', [ORIGIN, `${ORIGIN}#${KEY}`]],
    ['the service, and another service with another key', [ORIGIN, `https://other.example.com#${OTHER_KEY}`]],
  ])('accepts %s', async (_what, aud) => {
    expect(await verify(tokenOf(east, {}, aud))).toEqual({ provider: 'east', sub: SUB });
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['an expiry less than a minute ago', { exp: SECONDS - 59, iat: SECONDS - 90 }],
    ['a time of issue in less than a minute', { iat: SECONDS + 59 }],
    ['a lifetime of 24 hours', { exp: SECONDS + 600, iat: SECONDS + 600 - 86_400 }],
    [
      'a subject of 512 characters with a comma, a colon and glob characters',
      { sub: `a,b:c*?[!]${'é'.repeat(502)}` },
    ],
    ['equal names in different objects', { a: { b: 1, c: { b: 2 } }, d: [{ b: 1 }, { b: 1 }] }],
  ])('accepts %s', async (_what, claims) => {
    expect(await verify(tokenOf(east, { claims }))).toMatchObject({ provider: 'east' });
  });

  it('refuses a changed signature, and one that is not canonical base64', async () => {
    const token = tokenOf(east);
    const [header, payload, signature = ''] = token.split('.');
    const bytes = Buffer.from(signature, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(8) ^ 1, 8);
    expect(await verify(`${header}.${payload}.${bytes.toString('base64url')}`)).toHaveProperty('failed');
    for (const text of [
      `${token}=`,
      `${token}\n`,
      ` ${token}`,
      `${token}.`,
      `${token}.${signature}.${signature}.${signature}`,
    ])
      expect(await verify(text)).toBeUndefined();
  });

  it('does not search a header that is no JSON for equal names, which takes long', async () => {
    const [, payload, signature] = tokenOf(east).split('.');
    const header = Buffer.from('{"alg":"ES256","alg":"ES256"').toString('base64url');
    expect(await verify([header, payload, signature].join('.'))).toEqual({
      check: 'form',
      failed: 'is not readable',
    });
  });

  it('ignores keys in the header of the token', async () => {
    const thief = identityIssuer('ES256', { kid: east.kid });
    for (const header of [{ jwk: thief.jwk }, { jku: 'https://thief.example.com/jwks' }, { x5c: ['MIIB'] }]) {
      expect(await verify(tokenOf(thief, { header }))).toMatchObject({
        failed: expect.stringContaining('signed'),
      });
      expect(await verify(tokenOf(east, { header }))).toEqual({ provider: 'east', sub: SUB });
    }
  });

  it('finds the provider by the key that verifies if several have one issuer, one kid and the same subject', async () => {
    const issuers = ['east', 'west', 'north'].map((name) => ({ name, issuer: identityIssuer() }));
    const verifyOne = verifierOf(
      await Promise.all(issuers.map(({ name, issuer }) => provider(issuer, { name }))),
    );
    for (const { name, issuer } of issuers)
      expect(await verifyOne(tokenOf(issuer))).toEqual({ provider: name, sub: SUB });
  });

  it('verifies with the keys of four providers at most', async () => {
    const issuers = Array.from({ length: 5 }, () => identityIssuer());
    const providers = await Promise.all(
      issuers.map((issuer, index) => provider(issuer, { name: `p${index}` })),
    );
    const verifyOne = verifierOf(providers);
    const [found, beyond] = [issuers[3], issuers[4]].map((issuer) => tokenOf(issuer as IdentityIssuer));
    expect(await verifyOne(found as string)).toEqual({ provider: 'p3', sub: SUB });
    expect(await verifyOne(beyond as string)).toHaveProperty('failed');
  });

  it('refuses a token whose issuer is that of another provider with the same kid', async () => {
    const other = identityIssuer('ES256', { iss: 'https://other.example.com' });
    const verifyOne = verifierOf([await provider(east), await provider(other, { name: 'other' })]);
    expect(await verifyOne(tokenOf(east, { claims: { iss: other.iss } }))).toMatchObject({
      failed: expect.stringContaining('signed'),
      provider: 'other',
    });
  });

  it('accepts only tokens that are bound to the key of the request if the provider requires it', async () => {
    const verifyOne = verifierOf([await provider(east, { isKeyBindingRequired: true })]);
    expect(await verifyOne(tokenOf(east))).toMatchObject({ failed: expect.stringContaining('bound') });
    const bound = tokenOf(east, {}, `${ORIGIN}#${KEY}`);
    expect(await verifyOne(bound)).toEqual({ provider: 'east', sub: SUB });
    expect(await verifyOne(bound, OTHER_KEY)).toHaveProperty('failed');
  });

  it('refuses a bound token with a request that cannot be read', async () => {
    const unread = verifierOf([await provider(east)]);
    expect(await unread(tokenOf(east, {}, `${ORIGIN}#undefined`), undefined)).toHaveProperty('failed');
  });

  it('compares the audience of the provider instead of the origin', async () => {
    const verifyOne = verifierOf([await provider(east, { audience: 'linkgrant-hub' })]);
    expect(await verifyOne(tokenOf(east))).toHaveProperty('failed');
    expect(await verifyOne(tokenOf(east, {}, 'linkgrant-hub'))).toEqual({ provider: 'east', sub: SUB });
  });

  it('permits only the subjects of the provider', async () => {
    const verifyOne = verifierOf([await provider(east, { subjects: ['repo:example/*', '*:edge:*'] })]);
    expect(await verifyOne(tokenOf(east))).toEqual({ provider: 'east', sub: SUB });
    expect(await verifyOne(tokenOf(east, { claims: { sub: 'repo:other/a' } }))).toHaveProperty('failed');
  });

  it('reports a provider whose keys were not fetched yet, and a key that it does not have', async () => {
    const unknownKeys: string[] = [];
    const verifyOne = verifierOf([await provider(east, { keys: undefined })], unknownKeys);
    expect(await verifyOne(tokenOf(east))).toMatchObject({ provider: 'east', check: 'unavailable' });
    const loaded = verifierOf([await provider(east)], unknownKeys);
    const unknown = await loaded(tokenOf(east, { header: { kid: 'rotated' } }));
    expect(unknown).toMatchObject({ check: 'kid', provider: 'east' });
    expect(unknownKeys).toEqual([east.iss, east.iss]);
  });

  it('returns undefined for a code that does not have the form of a JWT', async () => {
    const long = [`eyJ${'.'.repeat(4_000)}`, `eyJ${'a'.repeat(5_000)}.a.a`];
    for (const text of ['a code', 'eyJ.', 'eyJ..', '.'.repeat(4_096), ...long])
      expect(await verify(text)).toBeUndefined();
  });
});

describe('readIdentityKeys', () => {
  it.each<[string, unknown, string]>([
    ['no JWKS', [], 'not a JWKS'],
    ['null', null, 'not a JWKS'],
    ['no key', { keys: [] }, 'no key'],
    ['only a key for encryption', { keys: [{ ...east.jwk, use: 'enc' }] }, 'no key'],
    ['only a key without kid', { keys: [{ ...east.jwk, kid: undefined }] }, 'no key'],
    ['a symmetric key', { keys: [east.jwk, { kty: 'oct', k: 'AAAA', kid: 'a' }] }, 'private or symmetric'],
    [
      'a private key',
      { keys: [{ ...east.secret.export({ format: 'jwk' }), kid: 'a' }] },
      'private or symmetric',
    ],
    ['101 keys', { keys: Array.from({ length: 101 }, () => east.jwk) }, 'more than 100'],
  ])('refuses %s', async (_what, content, reason) => {
    await expect(readIdentityKeys(JSON.stringify(content))).rejects.toThrow(reason);
  });
});
