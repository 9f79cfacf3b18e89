import { expect, it } from 'vitest';
import { OutcomeSeal } from '../../../src/codes/sealed-outcome.js';
import { createMasterKey } from '../../../src/codes/signing-keys.js';

it('opens an outcome although its OutcomeName lists the same properties in another order', () => {
  const master = createMasterKey();
  const first = new OutcomeSeal(master, { kind: 'grant', caller: 'alice', key: 'a' });
  const second = new OutcomeSeal(master, { key: 'a', caller: 'alice', kind: 'grant' });
  expect(second.open(first.seal('the code'))).toBe('the code');
  expect(second.fingerprint('a request')).toBe(first.fingerprint('a request'));
});

it('does not open the outcome of another caller', () => {
  const master = createMasterKey();
  const sealed = new OutcomeSeal(master, { kind: 'grant', caller: 'alice', key: 'a' }).seal('the code');
  expect(new OutcomeSeal(master, { kind: 'grant', caller: 'bob', key: 'a' }).open(sealed)).toBeUndefined();
});
