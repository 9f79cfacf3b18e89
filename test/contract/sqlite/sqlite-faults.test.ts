import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../src/redemption/ports/clock.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { change as sqlChange, value } from '../../../src/stores/sql/operation.js';
import { openSqliteDatabase } from '../../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../../support/store-samples.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';
import { until } from '../../support/until.js';

const beside = (name: string): string => join(import.meta.dirname, name);

describe('the SQLite store after a failure', () => {
  let directory: string;
  let file: string;
  const open = async (
    options: { checkpoint?: Checkpoint; deadlineMs?: number; acceptsEmpty?: boolean } = {},
  ): Promise<DatabaseStore> => {
    return releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW, ...options }));
  };
  beforeEach(() => {
    directory = directoryForTest();
    file = join(directory, 'linkgrant.db');
  });

  /** Another process acquires the write lock; the returned function releases it. */
  async function lockElsewhere(): Promise<() => Promise<void>> {
    const holder = fork(beside('store-lock-holder.mjs'), [file], { execArgv: [] });
    await once(holder, 'message');
    return async () => {
      const gone = once(holder, 'exit');
      holder.send('release');
      await gone;
    };
  }

  it('waits for a locked database without blocking the event loop', async () => {
    const store = await open();
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    const release = await lockElsewhere();
    let answered = false;
    const recorded = store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW).finally(() => {
      answered = true;
    });
    for (let tick = 0; tick < 100; tick++) await sleep(10);
    expect(answered).toBe(false);
    expect((await store.findGrant(grant.uid))?.redemptions).toBe(0);
    await release();
    expect(await recorded).toBe('recorded');
    expect((await store.findGrant(grant.uid))?.redemptions).toBe(1);
  });

  it('rejects at the deadline while the database is locked, counts nothing, and works when it is free', async () => {
    const store = await open({ deadlineMs: 100 });
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    const release = await lockElsewhere();
    const redemption = sampleRedemption(grant.uid);
    await expect(store.recordRedemption(grant.uid, redemption, NOW)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await expect(store.probe()).rejects.toMatchObject({ code: 'store_unavailable' });
    await release();
    expect(await store.findRedemption(redemption.id)).toBeUndefined();
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
  });

  it('counts nothing on a full, a missing and a read-only disk, and recovers without being reopened', {
    timeout: 300_000,
  }, async () => {
    const grant = sampleGrant({ redemptionsAllowed: 5_000 });
    const template = sampleRedemption(grant.uid, { certificate: 'x'.repeat(2_000) });
    const input = {
      directory,
      grant: { ...grant, codeHash: Array.from(grant.codeHash) },
      template,
    };
    const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const script = [process.execPath, beside('store-on-failing-disk.mjs'), JSON.stringify(input)];
    const answers = JSON.parse(
      execFileSync('unshare', [...asRoot, '--mount', ...script], { encoding: 'utf8' }),
    );
    const recorded = '"recorded"';
    const unavailable = 'store_unavailable';
    const uses = (count: number) => [count, count];
    const { fitted } = answers;
    expect(answers).toEqual({
      before: recorded,
      fitted,
      full: { redeem: unavailable, again: unavailable, probe: unavailable, counted: uses(1 + fitted) },
      freed: { redeem: recorded, probe: 'writable', counted: uses(2 + fitted) },
      gone: { redeem: unavailable, probe: unavailable },
      readOnly: { redeem: unavailable, probe: unavailable },
      writable: { redeem: recorded, probe: 'writable', counted: uses(3 + fitted) },
    });
  });

  it('never commits into a file that was replaced', async () => {
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 9 });
    await store.createGrant(grant, SAMPLE_CODE);
    await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
    const original = file;
    file = join(directory, 'other.db');
    // `acceptsEmpty`: this host has the ledger key of the first database.
    await (await open({ acceptsEmpty: true })).close();
    await rename(original, join(directory, 'moved.db'));
    await rename(file, original);
    const late = sampleRedemption(grant.uid);
    expect(await store.recordRedemption(grant.uid, late, NOW)).toEqual({ refused: 'grant_unknown' });
    expect(await store.findGrant(grant.uid)).toBeUndefined();
  });

  describe.each([
    ['before the commit', 'before-commit'],
    ['after the commit', 'after-commit'],
  ])('when the outcome of a commit is unknown, with the fault %s', (_, moment) => {
    let faults: number;
    let store: DatabaseStore;
    beforeEach(async () => {
      faults = 0;
      store = await open({
        checkpoint: (name) => {
          if (name !== moment || faults === 0) return;
          faults--;
          throw new Error('input/output error');
        },
      });
    });

    it('records a redemption exactly once', async () => {
      const grant = sampleGrant({ redemptionsAllowed: 3 });
      await store.createGrant(grant, SAMPLE_CODE);
      faults = 2;
      const redemptions = Array.from({ length: 5 }, () => sampleRedemption(grant.uid));
      const outcomes = await Promise.all(
        redemptions.map((one) => store.recordRedemption(grant.uid, one, NOW)),
      );
      expect(faults).toBe(0);
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(3);
      expect((await store.findGrant(grant.uid))?.redemptions).toBe(3);
      expect((await store.listRedemptions({ limit: 10 })).items).toHaveLength(3);
      expect(await store.listAttempts(grant.uid, 10)).toHaveLength(3);
    });

    it('does every other write exactly once and returns the usual result', async () => {
      const grant = sampleGrant({ expirationTime: null, redemptionsAllowed: 5 });
      const faulty = async <T>(write: Promise<T>): Promise<T> => {
        faults = 1;
        const result = await write;
        expect(faults).toBe(0);
        return result;
      };
      expect(await faulty(store.createGrant(grant, SAMPLE_CODE))).toEqual(grant);
      expect(await faulty(store.createGrant(sampleGrant({ name: grant.name }), SAMPLE_CODE))).toBe(
        'name_taken',
      );
      expect(await faulty(store.initializeGrants(NOW))).toBe(1);
      const redemption = sampleRedemption(grant.uid, { sealedAnswer: new Uint8Array(9), sealedUntil: NOW });
      await store.recordRedemption(grant.uid, redemption, NOW);
      await faulty(store.recordReplay(redemption, '192.0.2.1', NOW));
      const refusal = {
        grantUid: grant.uid,
        code: 'policy_name',
        name: 'a',
        subject: 'b',
        peer: 'c',
      } as const;
      await faulty(store.recordRefusal(refusal, NOW));
      await faulty(store.recordRefusal(refusal, NOW));
      const attempts = await store.listAttempts(grant.uid, 10);
      const counts = attempts.map(({ outcome, count }) => `${outcome} ${count}`);
      expect(counts.sort()).toEqual(['policy_name 2', 'redeemed 1', 'replayed 1']);
      expect(await faulty(store.eraseSealedAnswers(NOW))).toBe(1);
      expect(await faulty(store.revokeGrant(grant.uid, NOW))).toBe(true);
      expect(await faulty(store.revokeGrant(grant.uid, NOW))).toBe(false);
      expect(await faulty(store.deleteGrant(grant.uid))).toBe(true);
      expect(await faulty(store.deleteGrant(grant.uid))).toBe(false);
      await faulty(store.putSetting('a', 'b'));
      expect(await store.getSetting('a')).toBe('b');
    });
  });

  it('answers store_unavailable when the outcome stays unknown until the deadline', async () => {
    let failing = false;
    const store = await open({
      deadlineMs: 100,
      checkpoint: () => {
        if (failing) throw new Error('input/output error');
      },
    });
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    failing = true;
    const redemption = sampleRedemption(grant.uid);
    await expect(store.recordRedemption(grant.uid, redemption, NOW)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    failing = false;
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
    expect((await store.findGrant(grant.uid))?.redemptions).toBe(1);
  });

  it('commits concurrent writes together, and resolves none before the commit', async () => {
    const moments: string[] = [];
    const store = await open({ checkpoint: (name) => void moments.push(name) });
    const grant = sampleGrant({ redemptionsAllowed: 100 });
    await store.createGrant(grant, SAMPLE_CODE);
    moments.length = 0;
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
        moments.push('answered');
      }),
    );
    expect(moments).toEqual(['before-commit', 'after-commit', ...Array(100).fill('answered')]);
  });

  it('reports the cause of a failed snapshot if SQLite has ended the transaction, and reads the next one', async () => {
    const database = await openSqliteDatabase({ file, migrate: true });
    releaseAfterTest(database);
    const failed = database.readSnapshot(function* () {
      // SQLite itself may roll back after an I/O error.
      yield* sqlChange('ROLLBACK');
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ' });
    });
    await expect(failed).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await database.readSnapshot(() => value('SELECT 1'))).toBe(1);
  });

  it('ends a running snapshot when it is closed', async () => {
    const database = await openSqliteDatabase({ file, migrate: true });
    let started = 0;
    const running = database.readSnapshot(function* () {
      started = performance.now();
      while (performance.now() < started + 3_000) yield* value('SELECT 1');
    });
    const failed = expect(running).rejects.toMatchObject({ message: 'the store is closed' });
    await until(() => started > 0);
    await database.close();
    await failed;
  });

  it('rolls back only the failed write of a batch', async () => {
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 100 });
    await store.createGrant(grant, SAMPLE_CODE);
    const first = sampleRedemption(grant.uid);
    const last = sampleRedemption(grant.uid);
    const outcomes = await Promise.allSettled([
      store.recordRedemption(grant.uid, first, NOW),
      // The uid is taken, so the insert violates the primary key.
      store.createGrant({ ...grant, name: 'another-name' }, SAMPLE_CODE),
      store.recordRedemption(grant.uid, last, NOW),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'internal' } });
    const { items } = await store.listRedemptions({ limit: 10 });
    expect(items.map(({ id }) => id)).toEqual([first.id, last.id]);
    expect(await store.findGrantByName('default', 'another-name')).toBeUndefined();
  });
});
