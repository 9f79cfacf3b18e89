import { describe, expect, it } from 'vitest';
import type { GrantPolicy } from '../../../../src/domain/policy.js';
import {
  matchingProblem,
  type PolicyInput,
  policyRefusal,
} from '../../../../src/redemption/accepting/check-policy.js';
import { CountedText, expensiveGlobs, READS_PER_STEP } from '../../../support/expensive-globs.js';

const REQUEST: PolicyInput = {
  name: 'west-1',
  subject: 'West Site',
  peer: '192.0.2.7',
  keyType: 'p256',
  csr: true,
};
const refusal = (policy: GrantPolicy, changes: Partial<PolicyInput> = {}) =>
  policyRefusal(policy, { ...REQUEST, ...changes });

describe('a grant without rules', () => {
  it('permits every client with a key type that every router supports', () => {
    expect(refusal({})).toBeUndefined();
    expect(refusal({}, { csr: false, keyType: 'rsa' })).toBeUndefined();
    expect(refusal({}, { keyType: 'p384' })).toBeUndefined();
    expect(refusal({}, { keyType: 'ed25519' })).toBe('policy_key');
  });
});

describe('an empty list', () => {
  it.each([
    ['subjects', 'policy_subject'],
    ['names', 'policy_name'],
    ['sourceCidrs', 'policy_source'],
    ['keyTypes', 'policy_key'],
  ] as const)('permits no client as the rule %s', (rule, code) => {
    expect(refusal({ [rule]: [] })).toBe(code);
  });
});

describe('a glob', () => {
  it.each([
    ['west-1', 'west-1'],
    ['*', 'west-1'],
    ['west-*', 'west-1'],
    ['west-*', 'west-'],
    ['*-1', 'west-1'],
    ['w*t-?', 'west-1'],
    ['**', 'west-1'],
    ['????', 'west'],
    ['a.b', 'a.b'],
    ['*', ''],
    ['Zür?ch', 'Zürich'],
    ['?', '🛰'],
    ['a[1]+(b|c)^$\\{2}', 'a[1]+(b|c)^$\\{2}'],
  ])('%s matches %s', (glob, subject) => {
    expect(refusal({ subjects: ['nobody', glob] }, { subject })).toBeUndefined();
  });

  it.each([
    ['west-1', 'west-10'],
    ['west-1', 'a-west-1'],
    ['West-1', 'west-1'],
    ['west-?', 'west-'],
    ['west-?', 'west-10'],
    ['a.b', 'axb'],
    ['', 'a'],
    ['a|b', 'a'],
    ['[ab]', 'a'],
    ['a+', 'aa'],
    ['west', 'west\nx'],
  ])('%s does not match %j', (glob, subject) => {
    expect(refusal({ subjects: [glob] }, { subject })).toBe('policy_subject');
  });

  it('is compared with the name in the rule "names"', () => {
    expect(refusal({ names: ['west-*'] })).toBeUndefined();
    expect(refusal({ names: ['east-*'] })).toBe('policy_name');
  });
});

describe('globs that take long to match', () => {
  it.each(['subjects', 'names'] as const)('are a problem of a policy that names the rule %s', (rule) => {
    expect(matchingProblem({ [rule]: expensiveGlobs(9) })).toBeUndefined();
    expect(matchingProblem({ [rule]: expensiveGlobs(10) })).toMatch(
      new RegExp(`^linkgrant/${rule} has globs that take too long to match`),
    );
  });

  it('are a problem if those of both rules together take too long', () => {
    expect(matchingProblem({ subjects: expensiveGlobs(6), names: expensiveGlobs(3) })).toBeUndefined();
    expect(matchingProblem({ subjects: expensiveGlobs(6), names: expensiveGlobs(5) })).toMatch(
      /^linkgrant\/subjects /,
    );
  });

  it('do not include exact globs, prefixes and suffixes, however many there are', () => {
    const globs = Array.from({ length: 1_000 }, (_, index) => {
      const text = `${'a'.repeat(200)}${index}`;
      return [text, `${text}?`, `${text}*`, `*${text}`, `${text}*${text.slice(0, 40)}`][index % 5] ?? '';
    });
    const policy = { subjects: globs, names: globs };
    expect(matchingProblem(policy)).toBeUndefined();
    const last = `${'a'.repeat(200)}995`;
    expect(refusal(policy, { subject: last, name: last })).toBeUndefined();
    expect(refusal(policy, { subject: last, name: 'b' })).toBe('policy_name');
  });

  it('permit what a glob within the limit matches, and what a cheap glob after the limit matches', () => {
    const late = 'late'.repeat(40);
    const subjects = ['early*', ...expensiveGlobs(500), `*${late}*`, '*-cheap'];
    expect(refusal({ subjects }, { subject: 'early-1' })).toBeUndefined();
    expect(refusal({ subjects }, { subject: 'also-cheap' })).toBeUndefined();
    expect(refusal({ subjects }, { subject: `too-${late}-1` })).toBe('policy_subject');
    expect(refusal({ subjects: subjects.slice(-2) }, { subject: `too-${late}-1` })).toBeUndefined();
  });

  it.each(['a', 'é', '字', '🛰'])(
    'of %s, 2,000 in a stored policy, are refused after at most 250,000 steps',
    (character) => {
      const globs = expensiveGlobs(1_000, character);
      const subject = character.repeat(253);
      expect(refusal({ subjects: globs }, { subject })).toBe('policy_subject');
      const counted = new CountedText(subject);
      const text = counted as unknown as string;
      const policy = { subjects: [...globs, '*'], names: globs };
      expect(refusal(policy, { subject: text, name: text })).toBe('policy_name');
      expect(counted.reads).toBeGreaterThan(100_000);
      expect(counted.reads).toBeLessThanOrEqual(READS_PER_STEP * 250_000);
    },
  );
});

describe('a source network', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.7'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['192.0.2.7', '192.0.2.7'],
    ['0.0.0.0/0', '203.0.113.1'],
    ['2001:db8::/32', '2001:db8:1::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::/0', '2001:db8::1'],
  ])('%s contains %s', (cidr, peer) => {
    expect(refusal({ sourceCidrs: ['10.0.0.0/8', cidr] }, { peer })).toBeUndefined();
  });

  it.each([
    ['192.0.2.0/24', '192.0.3.1'],
    ['192.0.2.7', '192.0.2.8'],
    ['0.0.0.0/0', '2001:db8::1'],
    ['::/0', '192.0.2.7'],
    ['2001:db8::/33', '2001:db8:8000::1'],
    ['192.0.2.0/24', ''],
  ])('%s does not contain %j', (cidr, peer) => {
    expect(refusal({ sourceCidrs: [cidr] }, { peer })).toBe('policy_source');
  });

  it.each(['', 'nonsense', '192.0.2.0/33', '192.0.2.0/', '192.0.2.0/x', '192.0.2/24', '2001:db8::/129'])(
    '%j is invalid, and permits no client',
    (cidr) => {
      expect(refusal({ sourceCidrs: [cidr] })).toBe('policy_source');
    },
  );
});

describe('rules about keys', () => {
  it('apply to the key that the certificate is for', () => {
    expect(refusal({ keyTypes: ['ed25519'] }, { keyType: 'ed25519' })).toBeUndefined();
    expect(refusal({ keyTypes: ['p384', 'rsa'] })).toBe('policy_key');
  });

  it('can require that the site generates the key', () => {
    expect(refusal({ csrRequired: true })).toBeUndefined();
    expect(refusal({ csrRequired: true }, { csr: false })).toBe('policy_csr_required');
    expect(refusal({ csrRequired: false }, { csr: false })).toBeUndefined();
  });
});

describe('several rules', () => {
  it('must all be satisfied, and the first broken one is reported', () => {
    const policy: GrantPolicy = { subjects: ['West*'], names: ['west-*'], sourceCidrs: ['192.0.2.0/24'] };
    expect(refusal(policy)).toBeUndefined();
    expect(refusal(policy, { name: 'x', subject: 'x', peer: '10.0.0.1' })).toBe('policy_subject');
    expect(refusal(policy, { name: 'x', peer: '10.0.0.1' })).toBe('policy_name');
    expect(refusal({ ...policy, keyTypes: [] }, { peer: '10.0.0.1' })).toBe('policy_source');
  });
});
