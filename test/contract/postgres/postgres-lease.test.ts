import { beforeEach, describe, expect, it } from 'vitest';
import type { SharedSettings } from '../../../src/redemption/ports/serving-lease.js';
import { openPostgresDatabase } from '../../../src/stores/postgres/postgres-store.js';
import { acquirePostgresLease } from '../../../src/stores/postgres/serving-lease.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { makeAuthority } from '../../support/server-identity.js';
import { createTestDatabase, type TestDatabase } from '../../support/stores/postgres-server.js';
import { eventually } from '../../support/until.js';

let database: TestDatabase;

beforeEach(async () => {
  database = releaseAfterTest(await createTestDatabase());
  const ledgerKeyFile = `${directoryForTest()}/ledger.key`;
  const options = { target: database.place, migrate: true, ledgerKeyFile };
  await (await openPostgresDatabase(options)).close();
});

/** Acquires the lease of a service with these settings, and releases it after the test. */
async function acquire(settings: () => SharedSettings) {
  const lease = await acquirePostgresLease(database.place, settings);
  releaseAfterTest({ stop: () => lease.release() });
  return lease;
}

const newCa = async (name: string) => (await makeAuthority(name)).bundlePem;

describe('the lease of a PostgreSQL store', () => {
  it('is acquired by services whose CAs have a certificate in common, and by no service with another CA', async () => {
    const [old, next, other] = await Promise.all([newCa('old'), newCa('next'), newCa('other')]);
    await acquire(() => ({ tlsCa: old }));
    expect((await acquire(() => ({ tlsCa: old + next }))).renew()).toBe(true);
    await expect(acquire(() => ({ tlsCa: other }))).rejects.toMatchObject({ setting: 'tlsCa' });
    await expect(acquire(() => ({ tlsCa: next }))).rejects.toMatchObject({ setting: 'tlsCa' });
  });

  it('is acquired by a service with the present CA of a running service, and by no service with its earlier CA', async () => {
    const [old, next] = await Promise.all([newCa('old'), newCa('next')]);
    let ca = old;
    const running = await acquire(() => ({ tlsCa: ca }));
    ca = next;
    expect(running.renew()).toBe(true);
    const published = () => database.sql("SELECT value FROM linkgrant.settings WHERE key LIKE 'serving-%'");
    await eventually(async () =>
      expect(await published()).toEqual([{ value: JSON.stringify({ tlsCa: next }) }]),
    );
    expect((await acquire(() => ({ tlsCa: next }))).renew()).toBe(true);
    await expect(acquire(() => ({ tlsCa: old }))).rejects.toMatchObject({ setting: 'tlsCa' });
  });
});
