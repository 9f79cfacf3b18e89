import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../src/cli/terminal/failure.js';
import { translateFailure } from '../../../src/stores/sql/store-failure.js';
import { StandbyError, StoreOpenError } from '../../../src/stores/store-open-error.js';

const exitCodeOf = (error: Error) => describeFailure(translateFailure(error, () => 'lost')).exitCode;

describe('a command on a store that cannot be used', () => {
  it('ends with 2 if an operator has to act, as after a restored backup', () => {
    expect(exitCodeOf(new StoreOpenError('the store was rolled back', 'run a command'))).toBe(2);
  });

  it('ends with 4 if the store is a standby, which may become the primary', () => {
    expect(exitCodeOf(new StandbyError('the store is a standby', 'name the primary'))).toBe(4);
  });
});
