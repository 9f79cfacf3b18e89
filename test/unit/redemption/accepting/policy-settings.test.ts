import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSubject } from '../../../../src/domain/names.js';
import type { GrantPolicy } from '../../../../src/domain/policy.js';
import {
  formatPolicySettings,
  parsePolicySettings,
  parseRecordedPolicy,
} from '../../../../src/redemption/accepting/policy-settings.js';

const parse = (key: string, text: unknown) => parsePolicySettings({ [`linkgrant/${key}`]: text });

/** The sentence that refuses a setting. */
function problem(key: string, text: unknown): string {
  const parsed = parse(key, text);
  if (!('problem' in parsed)) throw new Error(`it was read as ${JSON.stringify(parsed)}`);
  return parsed.problem;
}

const entries = (text: fc.Arbitrary<string>) =>
  fc.array(
    text.map((entry) => entry.replaceAll(',', '?').trim()).filter((entry) => isSubject(entry)),
    { maxLength: 5 },
  );
const characters = (set: string) => fc.string({ unit: fc.constantFrom(...set), minLength: 1, maxLength: 30 });
const policies: fc.Arbitrary<GrantPolicy> = fc.record(
  {
    subjects: entries(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })),
    names: entries(characters('abz09-.*?')),
    sourceCidrs: fc.array(
      fc.oneof(
        fc.ipV4().map((address) => `${address}/32`),
        fc.nat(32).map((prefix) => `0.0.0.0/${prefix}`),
        fc.constantFrom('10.0.0.0/8', '172.16.0.0/12', '192.168.1.128/25', '2001:db8::/32', 'fd00::/8'),
        fc
          .ipV6()
          .filter((address) => !address.includes('.') && !/^[0:]*:ffff:/i.test(address))
          .map((address) => `${address}/128`),
        fc.ipV4(),
      ),
      { maxLength: 5 },
    ),
    keyTypes: fc.subarray(['p256', 'p384', 'rsa', 'ed25519'] as const),
    certificateLifetimeMs: fc.integer({ min: 1_000, max: 10 * 365 * 86_400_000 }),
    csrRequired: fc.boolean(),
    notBefore: fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') }),
  },
  { requiredKeys: [] },
);

describe('the settings of a policy', () => {
  it('are parsed to the policy that they were written from', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        expect(parsePolicySettings(formatPolicySettings(policy))).toEqual(policy);
      }),
      { numRuns: 500 },
    );
  });

  it('with any content are parsed to a policy that can be formatted and parsed again, or refused with one line of text', () => {
    const keys = ['subjects', 'names', 'source-cidrs', 'key-types', 'certificate-lifetime', 'csr-required'];
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...'0123456789.:/,-+TZ smhd*?'), maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...keys, 'not-before', '__proto__', 'constructor'), texts, (key, text) => {
        const parsed = parsePolicySettings(Object.fromEntries([[`linkgrant/${key}`, text]]));
        if ('problem' in parsed) expect(parsed.problem).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        else expect(parsePolicySettings(formatPolicySettings(parsed))).toEqual(parsed);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are ignored without the prefix linkgrant/', () => {
    expect(parsePolicySettings({ 'skupper.io/x': 'y', size: 7, 'linkgrants/names': '' })).toEqual({});
  });

  it.each(['linkgrant/subject', 'linkgrant.dev/subjects', 'Linkgrant/subjects', 'linkgrant', 'linkgrant/'])(
    'are refused with the unknown name %s',
    (key) => {
      const parsed = parsePolicySettings({ [key]: 'a' });
      expect(parsed).toEqual({
        problem: expect.stringContaining(`"${key}" is not a setting; the settings are linkgrant/`),
        setting: key,
      });
    },
  );

  it.each([true, 7, null, undefined, ['a'], { a: 'b' }])(
    'are refused with %j instead of a string',
    (text) => {
      expect(problem('csr-required', text)).toBe('linkgrant/csr-required is not a string: quote it');
    },
  );
});

describe('a setting of more than 65,536 characters', () => {
  it.each([
    ['subjects', Array.from({ length: 1_000 }, () => '🔑'.repeat(253)).join(',')],
    ['names', `${'a'.repeat(253)},`.repeat(259)],
    ['source-cidrs', ' '.repeat(65_537)],
    ['certificate-lifetime', `${'0h'.repeat(600_000)}1h`],
    ['csr-required', 'true'.repeat(20_000)],
  ])('is refused before it is parsed: %s', (key, text) => {
    expect(problem(key, text)).toBe(`linkgrant/${key} has more than 65536 characters`);
  });

  it('is refused, but not 1,000 subjects of 60 characters', () => {
    const subjects = Array.from({ length: 1_000 }, (_, index) => `${index}`.padStart(60, 's'));
    expect(parse('subjects', subjects.join(','))).toEqual({ subjects });
  });

  it('is parsed if it is stored with a redemption, so that renewals stay bound to its rules', () => {
    const subjects = Array.from({ length: 1_000 }, (_, index) => `${index}`.padStart(80, 's'));
    const settings = formatPolicySettings({ subjects });
    expect(parsePolicySettings(settings)).toHaveProperty('problem');
    expect(parseRecordedPolicy(settings)).toEqual({ subjects });
  });
});

describe('a list', () => {
  it.each(['', '  ', '\n'])('permits no client if it is %j', (text) => {
    expect(parse('subjects', text)).toEqual({ subjects: [] });
  });

  it('has its entries without the spaces around them', () => {
    expect(parse('subjects', ' West Site ,hq')).toEqual({ subjects: ['West Site', 'hq'] });
  });

  it.each(['a,', ',a', 'a,,b', ','])('is refused for an empty entry: %j', (text) => {
    expect(problem('names', text)).toContain('an empty entry');
  });

  it('has at most 1,000 entries', () => {
    const most = Array.from({ length: 1_000 }, (_, index) => `n${index}`).join(',');
    expect(parse('names', most)).not.toHaveProperty('problem');
    expect(problem('names', `${most},one-more`)).toContain('more than 1000 entries');
  });

  it.each([
    ['names', 'UPPER', '"UPPER", which is not a valid link name pattern'],
    ['names', 'a b', '"a b"'],
    ['subjects', 'a\u0007', 'unprintable'],
    ['subjects', 'a'.repeat(254), 'too long'],
    ['key-types', 'p256,P384', '"P384", which is not one of p256, p384, rsa, ed25519'],
    ['endpoint-roles', 'edge,normal', '"normal", which is not one of inter-router, edge, inter-network'],
    ['source-cidrs', '10.0.0.0/33', '"10.0.0.0/33", which is neither a CIDR'],
    ['source-cidrs', '10.0.0/8', 'neither a CIDR'],
    ['source-cidrs', '10.0.0.0/', 'neither a CIDR'],
    ['source-cidrs', '10.0.0.0/8/8', 'neither a CIDR'],
    ['source-cidrs', '2001:db8::/129', 'neither a CIDR'],
    ['source-cidrs', 'fe80::1%eth0', 'neither a CIDR'],
    [
      'source-cidrs',
      '10.1.2.3/8',
      '"10.1.2.3/8", which has bits set after its prefix: write 10.0.0.0/8 for the network, or 10.1.2.3 for the address',
    ],
    [
      'source-cidrs',
      '2001:db8::5/32',
      '"2001:db8::5/32", which has bits set after its prefix: write 2001:db8::/32 for the network, or 2001:db8::5 for the address',
    ],
    [
      'source-cidrs',
      '::ffff:10.0.0.1',
      '"::ffff:10.0.0.1", which is an IPv4-mapped IPv6 address, but clients are identified by their IPv4 address: write 10.0.0.1',
    ],
    [
      'source-cidrs',
      '::ffff:10.0.0.0/104',
      '"::ffff:10.0.0.0/104", which is an IPv4-mapped IPv6 address, but clients are identified by their IPv4 address: write 10.0.0.0/8',
    ],
    [
      'source-cidrs',
      '::ffff:a00:0/104',
      '"::ffff:a00:0/104", which is an IPv4-mapped IPv6 address, but clients are identified by their IPv4 address: write 10.0.0.0/8',
    ],
    ['source-cidrs', 'router.example.com', 'neither a CIDR'],
  ])('is refused with a message that names the wrong entry: %s, %j', (key, text, reason) => {
    expect(problem(key, text)).toContain(reason);
  });
});

describe('a certificate lifetime', () => {
  it.each([
    ['1s', 1_000],
    ['12h', 43_200_000],
    ['3650d', 315_360_000_000],
  ])('can be %s', (text, ms) => {
    expect(parse('certificate-lifetime', text)).toEqual({ certificateLifetimeMs: ms });
  });

  it.each([
    ['30', 'not a duration'],
    ['', 'not a duration'],
    ['-1h', 'not a duration'],
    [`${'0h'.repeat(50)}1h`, 'not a duration'],
    ['0', 'at least 1s'],
    ['999ms', 'at least 1s'],
    ['3651d', 'at most 10 years'],
  ])('cannot be %j', (text, reason) => {
    expect(problem('certificate-lifetime', text)).toContain(reason);
  });
});

describe('a not-before time', () => {
  it.each([
    ['2031-02-28T08:00:00Z', '2031-02-28T08:00:00Z'],
    ['2031-02-28T08:00:00.5+02:00', '2031-02-28T06:00:00.500Z'],
    ['2032-02-29T00:00:00-00:30', '2032-02-29T00:30:00Z'],
  ])('can be %s', (text, moment) => {
    const policy = { notBefore: Date.parse(moment) };
    expect(parse('not-before', text)).toEqual(policy);
    expect(formatPolicySettings(policy)).toEqual({ 'linkgrant/not-before': moment });
  });

  it.each([
    ...['2031-02-29T08:00:00Z', '2031-02-28', '2031-02-28T08:00:00', '2031-02-28 08:00:00Z'],
    ...['2031-13-01T08:00:00Z', '2031-02-28T24:00:00Z', '2031-02-28T08:00:60Z', '1969-12-31T23:59:59Z'],
    ...['9999-12-31T23:59:59-01:00', 'tomorrow', ''],
  ])('cannot be %j', (text) => {
    expect(problem('not-before', text)).toContain('not a time such as');
  });
});

describe('csr-required', () => {
  it.each([
    ['true', true],
    ['false', false],
  ])('is parsed from %s', (text, csrRequired) => {
    expect(parse('csr-required', text)).toEqual({ csrRequired });
  });

  it.each(['yes', '', 'TRUE', '1', ' true'])('cannot be %j', (text) => {
    expect(problem('csr-required', text)).toContain('must be true or false');
  });
});
