import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseToken } from '../../../../src/cli/token/token-file.js';
import { encodeAccessToken } from '../../../../src/domain/access-token.js';
import { RedemptionError } from '../../../../src/domain/redemption-error.js';
import { makeAuthority } from '../../../support/server-identity.js';

const token = {
  name: 'west-token',
  url: 'https://grants.example.com:9090/grants/0bde3bc8-a4a2-404a-bfbe-44fdf7bf3232',
  code: 'h7YpSvsxSCKO0j3E5zD7WULC',
  ca: (await makeAuthority('Grant Server CA')).bundlePem,
  linkCost: 7,
  expirationTime: Date.parse('2026-11-24T22:59:27Z'),
  redemptionsAllowed: 3,
  issuerSite: 'east',
};
const text = encodeAccessToken(token);

function reason(changed: string): string {
  try {
    return `accepted: ${JSON.stringify(parseToken(changed))}`;
  } catch (error) {
    expect(error).toBeInstanceOf(RedemptionError);
    expect((error as RedemptionError).code).toBe('token_invalid');
    expect((error as RedemptionError).message).not.toContain(token.code);
    return (error as RedemptionError).message;
  }
}

describe('an AccessToken file', () => {
  test('is read as it was written', () => {
    expect(parseToken(text)).toEqual(token);
    const { linkCost, expirationTime, redemptionsAllowed, issuerSite, ...plain } = token;
    expect(parseToken(encodeAccessToken(plain))).toEqual(plain);
  });

  test('is the resource that Skupper defines', () => {
    expect(parse(text)).toEqual({
      apiVersion: 'skupper.io/v2alpha1',
      kind: 'AccessToken',
      metadata: {
        name: 'west-token',
        annotations: {
          'linkgrant.dev/expiration-time': '2026-11-24T22:59:27.000Z',
          'linkgrant.dev/redemptions-allowed': '3',
          'linkgrant.dev/issuer-site': 'east',
        },
      },
      spec: { ca: token.ca, code: token.code, url: token.url, linkCost: 7 },
    });
  });

  test("can have the form that Skupper's command line writes, or JSON", () => {
    const skupper = `apiVersion: skupper.io/v2alpha1
kind: AccessToken
metadata:
  creationTimestamp: null
  name: west-token
  namespace: default
spec:
  ca: |
${token.ca.replace(/^(?=.)/gm, '    ')}
  code: ${token.code}
  linkCost: 0
  url: ${token.url}
status: {}
`;
    const { name, url, code, ca } = token;
    expect(parseToken(skupper)).toEqual({ name, url, code, ca });
    expect(parseToken(JSON.stringify(parse(text)))).toEqual(token);
  });

  test('can have invalid annotations, which are ignored', () => {
    const odd = text
      .replace('"2026-11-24T22:59:27.000Z"', '"soon"')
      .replace('"3"', '"many"')
      .replace('"east"', '"\\n"');
    const { expirationTime, redemptionsAllowed, issuerSite, ...plain } = token;
    expect(parseToken(odd)).toEqual(plain);
  });

  const edit = (from: string | RegExp, to: string) => () => {
    const edited = text.replace(from, to);
    expect(edited).not.toBe(text);
    return edited;
  };
  test.each<[string, () => string, string]>([
    ['is empty', () => '\n', 'it is empty'],
    ['is no YAML', () => 'a: [', 'it is not YAML'],
    ['is text', () => 'hello', 'not a mapping'],
    ['holds several documents', () => text + text, 'more than 1 document'],
    ['is too large', () => `${text}# ${'x'.repeat(65_536)}`, 'longer than 65536'],
    [
      'is of another kind',
      edit('"AccessToken"', '"AccessGrant"'),
      'its kind is AccessGrant, not AccessToken',
    ],
    ['is a Secret', () => 'apiVersion: v1\nkind: Secret\n', 'its kind is Secret, not AccessToken'],
    ['has no kind', edit(/^kind: .*\n/m, ''), 'it has no kind'],
    ['is of another version', edit('v2alpha1', 'v1alpha1'), 'skupper.io/v1alpha1, not skupper.io/v2alpha1'],
    ['has no name', edit(/ *name: .*\n/, ''), 'no metadata.name'],
    ['has a path for a name', edit('"west-token"', '"../west"'), 'RFC 1123'],
    ['has no URL', edit(/ *url: .*\n/, ''), 'no spec.url'],
    ['has an invalid URL', edit(/url: .*/, 'url: "grants.example.com"'), 'not a URL'],
    ['has a URL without TLS', edit('"https:', '"http:'), 'http, not https'],
    ['has a URL with a password', edit('https://', 'https://me:pw@'), 'user or a password'],
    ['has a URL with a fragment', edit('/grants/', '/grants/#'), 'fragment'],
    ['has no code', edit(/ *code: .*\n/, ''), 'no spec.code'],
    ['has an empty code', edit(/code: .*/, 'code: ""'), 'no spec.code'],
    ['has a code that is a number', edit(/code: .*/, 'code: 123456'), 'quotes'],
    ['has a code too long for the wire', edit(/code: .*/, `code: "${'x'.repeat(4097)}"`), '4 KiB'],
    ['has no CA', edit(/ *ca: .*\n/, ''), 'no spec.ca'],
    ['has a CA that is no PEM', edit(/ca: .*/, 'ca: "hello"'), 'not PEM'],
    [
      'has a CA that is a key',
      edit(/ca: .*/, 'ca: "-----BEGIN PRIVATE KEY-----\\naGk=\\n-----END PRIVATE KEY-----\\n"'),
      'not PEM',
    ],
    ['has a negative cost', edit('linkCost: 7', 'linkCost: -1'), 'linkCost'],
    ['has a cost above the range of int32', edit('linkCost: 7', 'linkCost: 2147483648'), 'linkCost'],
    ['has a cost that is text', edit('linkCost: 7', 'linkCost: "7"'), 'linkCost'],
  ])('is refused with the reason if it %s', (_what, changed, why) => {
    expect(reason(changed())).toContain(why);
  });
});
