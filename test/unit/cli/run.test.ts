import { expect, it } from 'vitest';
import { isCompletion } from '../../../src/cli/run.js';

it.each([
  ['linkgrant __complete', true],
  ['kubectl_complete-linkgrant grant', true],
  ['kubectl-linkgrant grant', false],
  ['linkgrant grant __complete', false],
])('isCompletion of `%s` is %s', (line, expected) => {
  const [file = '', ...words] = line.split(' ');
  expect(isCompletion(['node', `/usr/bin/${file}`, ...words])).toBe(expected);
});
