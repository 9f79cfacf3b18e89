import { describe, expect, it } from 'vitest';
import { worstOf } from '../../../../src/cli/link/link-faults.js';
import type { ExitCode } from '../../../../src/cli/terminal/command-error.js';

const worstExit = (...codes: ExitCode[]) => worstOf(codes, (code) => code);

describe('the worst of several failures', () => {
  it('is undefined without a failure', () => {
    expect(worstExit()).toBeUndefined();
  });

  it('is a permanent refusal before a temporary failure', () => {
    expect(worstExit(0, 4, 0)).toBe(4);
    expect(worstExit(4, 3, 4)).toBe(3);
  });

  it('is a usage or local failure before a temporary failure', () => {
    expect(worstExit(4, 1)).toBe(1);
    expect(worstExit(1, 2, 4)).toBe(2);
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
