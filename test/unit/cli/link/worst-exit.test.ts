import { describe, expect, it } from 'vitest';
import { worstExit } from '../../../../src/cli/link/link-faults.js';

describe('the exit code of several results', () => {
  it('is 0 without results', () => {
    expect(worstExit([])).toBe(0);
  });

  it('is that of a permanent refusal before that of a temporary failure', () => {
    expect(worstExit([0, 4, 0])).toBe(4);
    expect(worstExit([4, 3, 4])).toBe(3);
  });

  it('is that of a usage or local failure before that of a temporary failure', () => {
    expect(worstExit([4, 1])).toBe(1);
    expect(worstExit([1, 2, 4])).toBe(2);
  });
});
