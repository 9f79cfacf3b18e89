import { afterEach, beforeEach, vi } from 'vitest';

type Timers = NonNullable<NonNullable<Parameters<typeof vi.useFakeTimers>[0]>['toFake']>;

/** Replaces these timers, or all of them, before each test of the file or `describe` block, and restores them after it. */
export function fakeTimers(...toFake: Timers): void {
  beforeEach(() => void vi.useFakeTimers(toFake.length > 0 ? { toFake } : {}));
  afterEach(() => void vi.useRealTimers());
}
