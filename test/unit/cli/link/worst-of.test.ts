import { describe, expect, it } from 'vitest';
import { worstOf } from '../../../../src/cli/link/link-faults.js';
import type { ExitCode } from '../../../../src/cli/terminal/command-error.js';

describe('the worst of several failures', () => {
  it.each<[ExitCode[], ExitCode | undefined]>([
    [[], undefined],
    [[0, 4, 0], 4],
    [[4, 3, 4], 3],
    [[4, 1], 1],
    [[1, 2, 4], 2],
  ])('of the exit codes %j is %s', (codes, worst) => {
    expect(worstOf(codes, (code) => code)).toBe(worst);
  });

  it('is the first of those with the same exit code', () => {
    const failures = [
      { name: 'dns', exitCode: 4 },
      { name: 'expired', exitCode: 3 },
      { name: 'refused', exitCode: 3 },
    ] as const;
    expect(worstOf(failures, ({ exitCode }) => exitCode)?.name).toBe('expired');
  });
});
