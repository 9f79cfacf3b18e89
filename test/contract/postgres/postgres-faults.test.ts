import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Checkpoint } from '../../../src/redemption/ports/clock.js';
import { openPostgresDatabase } from '../../../src/stores/postgres/postgres-store.js';
import { withPostgresTables } from '../../../src/stores/postgres/postgres-tables.js';
import { value } from '../../../src/stores/sql/operation.js';
import { fakeTimers } from '../../support/fake-timers.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../../support/store-samples.js';
import { createTestDatabase, type TestDatabase } from '../../support/stores/postgres-server.js';
import { postgresStoreForTest } from '../../support/stores/postgres-store.js';
import { until } from '../../support/until.js';

let directory: string;
let database: TestDatabase;

beforeEach(async () => {
  directory = directoryForTest();
  database = releaseAfterTest(await createTestDatabase());
});

const open = (options: Parameters<typeof postgresStoreForTest>[2] = {}) =>
  postgresStoreForTest(database, directory, options);

/** Ends every other connection to the database; returns how many it ended. */
async function breakConnections(): Promise<number> {
  const ended = await database.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  return ended.length;
}

describe('the PostgreSQL store with any server settings', () => {
  it.each([
    "default_transaction_isolation = 'serializable'",
    'default_transaction_read_only = on',
    'synchronous_commit = off',
    'statement_timeout = 1',
    "client_encoding = 'LATIN1'",
    "bytea_output = 'escape'",
    "search_path = 'pg_catalog'",
    'standard_conforming_strings = off',
  ])('counts exactly with %s', async (setting) => {
    await database.sql(`ALTER DATABASE ${database.place.database} SET ${setting}`);
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 7, name: 'grün' });
    await store.createGrant(grant, SAMPLE_CODE);
    const redemptions = Array.from({ length: 20 }, () => sampleRedemption(grant.uid, { subject: 'Zürich' }));
    const outcomes = await Promise.all(redemptions.map((one) => store.recordRedemption(grant.uid, one, NOW)));
    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(7);
    expect(await store.findGrant(grant.uid)).toEqual({ ...grant, redemptions: 7 });
    expect(await store.verifyLedger()).toEqual({ entries: 8 });
  });
});

describe('the PostgreSQL store when its connections break', () => {
  it('continues at once with reads and writes', async () => {
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 30 });
    await store.createGrant(grant, SAMPLE_CODE);
    for (let round = 0; round < 3; round += 1) {
      expect(await breakConnections()).toBeGreaterThan(0);
      expect((await store.findGrant(grant.uid))?.redemptions).toBe(round * 10);
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)),
      );
      expect(new Set(outcomes)).toEqual(new Set(['recorded']));
    }
    expect(await store.verifyLedger()).toEqual({ entries: 31 });
  });

  it.each(['before-commit', 'after-commit'])(
    'counts once if connections break %s and the outcome is unknown',
    async (moment) => {
      let faults = 0;
      const store = await open({
        checkpoint: async (name) => {
          if (name !== moment || faults === 0) return;
          faults -= 1;
          await breakConnections();
          if (moment === 'after-commit') throw new Error('the answer was lost');
        },
      });
      const grant = sampleGrant({ redemptionsAllowed: 3, expirationTime: null });
      await store.createGrant(grant, SAMPLE_CODE);
      faults = 1;
      expect(await store.initializeGrants(NOW)).toBe(1);
      faults = 2;
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, () => store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)),
      );
      expect(faults).toBe(0);
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(3);
      const refusal = {
        grantUid: grant.uid,
        code: 'policy_name',
        name: 'a',
        subject: 'b',
        peer: 'c',
      } as const;
      faults = 1;
      await store.recordRefusal(refusal, NOW);
      faults = 1;
      expect(await store.revokeGrant(grant.uid, NOW, true)).toBe(true);
      faults = 1;
      expect(await store.deleteGrant(grant.uid)).toBe(true);
      expect((await store.listAttempts(grant.uid, 10)).map(({ count }) => count)).toEqual([1, 1, 1, 1]);
      expect(await store.verifyLedger()).toEqual({ entries: 10 });
    },
  );

  it('answers store_unavailable when the outcome stays unknown until the deadline', async () => {
    let isFailing = false;
    const checkpoint: Checkpoint = () => {
      if (isFailing) throw new Error('the answer was lost');
    };
    const store = await open({ deadlineMs: 300, checkpoint });
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    isFailing = true;
    const redemption = sampleRedemption(grant.uid);
    const recorded = store.recordRedemption(grant.uid, redemption, NOW);
    await expect(recorded).rejects.toMatchObject({ code: 'store_unavailable' });
    isFailing = false;
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
    expect((await store.findGrant(grant.uid))?.redemptions).toBe(1);
  });

  it('does not block others for long if a process stops in the middle of a transaction', {
    timeout: 300_000,
  }, async () => {
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 2 });
    await store.createGrant(grant, SAMPLE_CODE);
    let resume = (): void => undefined;
    const stopped = await open({
      checkpoint: (name) =>
        name === 'before-commit'
          ? new Promise((resolve) => {
              resume = resolve;
            })
          : undefined,
    });
    const late = stopped.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
    expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)).toBe('recorded');
    const timer = setInterval(() => resume(), 50);
    expect(await late).toBe('recorded');
    clearInterval(timer);
    expect((await store.findGrant(grant.uid))?.redemptions).toBe(2);
  });
});

describe('the time limit of a PostgreSQL statement', () => {
  fakeTimers('setTimeout', 'clearTimeout');
  const SLOW = 'SELECT pg_sleep(1)';

  /** Advances the timer that the driver starts when it sends a statement. */
  const exceedTimeLimit = () => vi.advanceTimersByTimeAsync(60_000);

  it('does not apply to a snapshot, which a verification reads', async () => {
    const ledgerKeyFile = join(directory, 'ledger.key');
    const opened = await openPostgresDatabase({ target: database.place, migrate: true, ledgerKeyFile });
    releaseAfterTest(opened);
    let started = 0;
    const slept = opened.readSnapshot(function* () {
      started += 1;
      yield* value(SLOW);
    });
    await until(() => started > 0);
    await exceedTimeLimit();
    await slept;
    expect(started).toBe(1);
  });

  it.each([
    ['reads from', false],
    ['writes to', true],
  ])('does not apply to a store copy that %s PostgreSQL', async (_, writes) => {
    await open();
    const copied = withPostgresTables(database.place, writes, async ({ run }) => {
      const slept = run(value(SLOW));
      await exceedTimeLimit();
      await slept;
      return 'copied';
    });
    expect(await copied).toBe('copied');
  });
});

it.each([
  ['of many statements', 'SELECT 1'],
  ['during one statement', 'SELECT pg_sleep(30)'],
])('the PostgreSQL store ends a running snapshot %s when it is closed', async (_, statement) => {
  const ledgerKeyFile = join(directory, 'ledger.key');
  const opened = await openPostgresDatabase({ target: database.place, migrate: true, ledgerKeyFile });
  let started = 0;
  const running = opened.readSnapshot(function* () {
    started += 1;
    const end = performance.now() + 3_000;
    while (performance.now() < end) yield* value(statement);
  });
  const failed = expect(running).rejects.toMatchObject({ message: 'the store is closed' });
  await until(() => started > 0);
  const closedAt = performance.now();
  await opened.close();
  await failed;
  expect(performance.now() - closedAt).toBeLessThan(20_000);
  expect(started).toBe(1);
});
