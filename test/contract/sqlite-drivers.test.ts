import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SqliteDriverName } from '../../src/files/sqlite-driver.js';
import { directoryForTest } from '../support/release.js';
import { NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../support/store-samples.js';
import { DRIVERS } from '../support/stores/sqlite-file.js';
import { openSqliteStore } from '../support/stores/sqlite-store.js';
import { type Redeemer, startRedeemer } from '../support/stores/store-processes.js';

const ROUNDS = 20;

// Both drivers exist from Node 24.15 on.
describe.runIf(DRIVERS.length > 1)('an SQLite file that node:sqlite and better-sqlite3 use', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = directoryForTest();
    file = join(directory, 'linkgrant.db');
  });

  const open = (driver: SqliteDriverName) =>
    openSqliteStore({ file, migrate: true, driver, clock: () => NOW });
  const startProcess = (driver: SqliteDriverName, dieAt?: string): Promise<Redeemer> =>
    startRedeemer({ options: { file, migrate: false, driver } }, dieAt);

  it.each(DRIVERS.map((driver, index) => [driver, DRIVERS[1 - index] as SqliteDriverName]))(
    'is written by %s, and read and verified by %s',
    async (writer, reader) => {
      const grant = sampleGrant({ redemptionsAllowed: 2 });
      const redemption = sampleRedemption(grant.uid, { sealedAnswer: new Uint8Array([1, 2, 3]) });
      const written = await open(writer as SqliteDriverName);
      await written.createGrant(grant, SAMPLE_CODE);
      await written.recordRedemption(grant.uid, redemption, NOW);
      await written.close();
      const store = await open(reader);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, redemptions: 1 });
      expect(await store.findRedemption(redemption.id)).toEqual(redemption);
      expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)).toBe('recorded');
      expect(await store.verifyLedger()).toEqual({ entries: 3 });
      await store.close();
    },
  );

  it('counts every use once while processes with either driver redeem at the same time', async () => {
    const store = await open('node:sqlite');
    const grants = Array.from({ length: ROUNDS }, () => sampleGrant({ redemptionsAllowed: 10 }));
    for (const grant of grants) await store.createGrant(grant, SAMPLE_CODE);
    const processes = await Promise.all([...DRIVERS, ...DRIVERS].map((driver) => startProcess(driver)));
    const tasks = grants.map(({ uid }) => ({ uid, times: 5 }));
    const outcomes = (await Promise.all(processes.map((one) => one.redeem(tasks)))).flat(2);
    expect(outcomes.filter((outcome) => outcome.startsWith('recorded'))).toHaveLength(ROUNDS * 10);
    expect(outcomes.filter((outcome) => outcome === 'refused grant_exhausted')).toHaveLength(ROUNDS * 10);
    for (const { uid } of grants) expect((await store.findGrant(uid))?.redemptions).toBe(10);
    expect(await store.verifyLedger()).toEqual({ entries: ROUNDS + ROUNDS * 10 });
    await Promise.all(processes.map((one) => one.end()));
    await store.close();
  });

  it.each(DRIVERS)(
    'shows a commit by %s, whose process was killed, to a store that has the file open with the other driver',
    async (driver) => {
      const store = await open(DRIVERS.find((other) => other !== driver) as SqliteDriverName);
      const grant = sampleGrant({ redemptionsAllowed: 9 });
      await store.createGrant(grant, SAMPLE_CODE);
      const dying = await startProcess(driver, 'after-commit');
      await expect(dying.redeem([{ uid: grant.uid, times: 1 }])).rejects.toThrow();
      expect((await store.findGrant(grant.uid))?.redemptions).toBe(1);
      expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)).toBe('recorded');
      expect((await store.findGrant(grant.uid))?.redemptions).toBe(2);
      await store.close();
    },
  );
});
