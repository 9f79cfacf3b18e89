import { describe, expect, it } from 'vitest';
import { worstExit } from '../../../../src/cli/link/link-faults.js';

describe('the exit code of several outcomes', () => {
  it('is 0 for none', () => {
    expect(worstExit([])).toBe(0);
  });

  it('is that of what is refused for good before that of what passes by itself', () => {
    expect(worstExit([0, 4, 0])).toBe(4);
    expect(worstExit([4, 3, 4])).toBe(3);
  });

  it('is that of a usage or local failure before a passing one', () => {
    expect(worstExit([4, 1])).toBe(1);
    expect(worstExit([1, 2, 4])).toBe(2);
  });
});
