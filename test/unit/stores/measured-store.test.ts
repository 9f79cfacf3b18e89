import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { measureStore } from '../../../src/stores/measured-store.js';
import { directoryForFile } from '../../support/release.js';
import { SAMPLE_CODE, sampleGrant } from '../../support/store-samples.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

let reported: unknown[] = [];

const directory = directoryForFile();
const store = await openSqliteStore({
  file: join(directory, 'linkgrant.db'),
  migrate: true,
  clock: Date.now,
});
const measured = measureStore(store, {
  storeAnswered: (kind, ms, failed) => reported.push([kind, ms >= 0, failed]),
  revoked: (what) => reported.push(what),
});

beforeEach(() => {
  reported = [];
});

describe('the measured store', () => {
  it('returns the results of the store, and measures reads, writes and revocations', async () => {
    const grant = sampleGrant();
    expect(await measured.createGrant(grant, SAMPLE_CODE)).toEqual(grant);
    expect(await measured.findGrant(grant.uid)).toMatchObject({ uid: grant.uid });
    expect(await measured.revokeGrant(grant.uid, Date.now())).toBe(true);
    expect(reported).toEqual([
      ['write', true, false],
      ['read', true, false],
      'grant',
      ['write', true, false],
    ]);
  });

  it('does not count a cursor that no listing returned as a failure of the store', async () => {
    await expect(measured.listGrants({ after: 'bm9uc2Vuc2U', limit: 10 })).rejects.toThrow(RangeError);
    expect(reported).toEqual([['read', true, false]]);
  });

  it('does not count revoking an unknown or already revoked object as a revocation', async () => {
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    await store.revokeGrant(grant.uid, Date.now());
    expect(await measured.revokeGrant(grant.uid, Date.now())).toBe(false);
    expect(await measured.revokeRedemption('unknown', Date.now())).toBe(false);
    expect(reported).toEqual([
      ['write', true, false],
      ['write', true, false],
    ]);
  });

  it('has the same members as the store', () => {
    expect(Object.keys(measured).sort()).toEqual(Object.keys(store).sort());
  });

  it('counts a failure, and rejects with it', async () => {
    await measured.close();
    await expect(measured.getSetting('key')).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(measured.putSetting('key', 'value')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(reported).toEqual([
      ['read', true, true],
      ['write', true, true],
    ]);
  });
});
