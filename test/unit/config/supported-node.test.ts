import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeProblem } from '../../../src/config/supported-node.js';
import { PROJECT } from '../../support/programs.js';

describe('the oldest supported version of Node', () => {
  const { engines } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  const [, major = Number.NaN, minor = Number.NaN] = (/^>=(\d+)\.(\d+)$/.exec(engines.node) ?? []).map(
    Number,
  );

  it.each([
    ['that version', `${major}.${minor}.0`],
    ['a newer minor version', `${major}.${minor + 1}.0`],
    ['a newer major version with a lower minor version', `${major + 1}.0.0`],
    ['the Node that runs this test', process.versions.node],
  ])('is that of `engines` in package.json: the program accepts %s (%s)', (_, version) => {
    expect(nodeProblem(version)).toBeUndefined();
  });

  it.each([
    ['an older minor version', `${major}.${minor - 1}.99`],
    ['an older major version with a higher minor version', `${major - 1}.${minor + 10}.0`],
    ['a version with one digit', '9.0.0'],
  ])(
    'is that of `engines` in package.json: the program refuses %s (%s), and names both versions',
    (_, version) => {
      const problem = nodeProblem(version);
      expect(problem).toContain(`Node ${major}.${minor} or newer`);
      expect(problem).toContain(version);
    },
  );
});
