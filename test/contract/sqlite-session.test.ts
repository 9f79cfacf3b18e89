import { expect, it, vi } from 'vitest';
import type { SqliteConnection } from '../../src/stores/sqlite/connection.js';
import { startSession } from '../../src/stores/sqlite/session.js';
import { fakeTimers } from '../support/fake-timers.js';

fakeTimers('performance');

/** Starts a session whose connections are lost at each use; `reopened` counts those after the first. */
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
    /** Uses the session `times` times; returns the error codes of the refused reopenings. */
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

it('a database on a failing disk is reopened 16 times without delay, and then once every ten seconds', () => {
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

it('a database is reopened as often as at first after an hour without failures', () => {
  const { use, reopened } = sessionOnFailingDisk();
  use(1_000);
  vi.advanceTimersByTime(3_600_000);
  use(1_000);
  expect(reopened()).toBe(32);
});
