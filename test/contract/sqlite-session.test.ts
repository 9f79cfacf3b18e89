import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { SqliteConnection } from '../../src/stores/sqlite/connection.js';
import { startSession } from '../../src/stores/sqlite/session.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A session whose connections are lost as soon as they are used, and how many were opened after the first. */
function sessionOnFailingDisk() {
  let reopened = 0;
  const connection = { isCurrent: () => true, truncateWal: () => true, close: () => undefined };
  const session = startSession(connection as unknown as SqliteConnection, () => {
    reopened += 1;
    return connection as unknown as SqliteConnection;
  });
  const lost = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' });
  return {
    reopened: () => reopened,
    /** Uses the session so many times; gives the codes of the refusals to open once more. */
    use(times: number): unknown[] {
      const refusals: unknown[] = [];
      for (let time = 0; time < times; time += 1) {
        try {
          session.connect();
        } catch (error) {
          refusals.push((error as { code?: unknown }).code);
        }
        session.closeIfLost(lost);
      }
      return refusals;
    },
  };
}

it('a failing disk is reopened a few times at once, and then every ten seconds', () => {
  const { use, reopened } = sessionOnFailingDisk();
  const refusals = use(1_000);
  expect(new Set(refusals)).toEqual(new Set(['store_unavailable']));
  expect(refusals.length + reopened()).toBe(999);
  expect(reopened()).toBe(16);
  vi.advanceTimersByTime(9_999);
  use(10);
  expect(reopened()).toBe(16);
  vi.advanceTimersByTime(1);
  use(10);
  expect(reopened()).toBe(17);
  vi.advanceTimersByTime(25_000);
  use(10);
  expect(reopened()).toBe(19);
});

it('after a time without failures a disk is reopened as often as at first', () => {
  const { use, reopened } = sessionOnFailingDisk();
  use(1_000);
  vi.advanceTimersByTime(3_600_000);
  use(1_000);
  expect(reopened()).toBe(32);
});
