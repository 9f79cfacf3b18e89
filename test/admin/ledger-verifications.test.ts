import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { sharedVerification } from '../../src/redemption/administration/shared-verification.js';
import {
  type LedgerVerifications,
  verificationOperations,
} from '../../src/redemption/administration/verification-operations.js';
import type { LedgerVerdict } from '../../src/redemption/ports/ledger-store.js';
import { operatorClient, readAdmin, startAdminService } from '../support/admin-api.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { HOUR } from '../support/service.js';
import { withStore } from '../support/stores/changed-store.js';
import { TestClock } from '../support/test-clock.js';
import { until } from '../support/until.js';

const service = releaseAfterFile(await startAdminService());

const ask = operatorClient(service);

const create = async (of: Readonly<Record<string, unknown>> = {}) =>
  (await ask('POST', '/grants', { name: `grant-${randomUUID()}`, redemptionsAllowed: 20, ...of })).body;

describe('a verification of the ledger', () => {
  const putReport = (text: string) => service.store.putSetting('ledger-verification', text);

  it('verifies the ledger in the background, and reports the result', async () => {
    await create();
    const started = await ask('POST', '/ledger-verifications');
    expect(started).toMatchObject({ status: 202, body: { state: 'running', checked: 0 } });
    const { location } = started.headers;
    expect(location).toBe(`/api/v1/ledger-verifications/${started.body.id}`);
    const show = () => ask('GET', location.slice('/api/v1'.length));
    await until(async () => (await show()).body.state !== 'running');
    const entries = service.rows('SELECT 1 FROM events').length;
    const result = { ok: true, problems: [] };
    expect((await show()).body).toMatchObject({ state: 'done', checked: entries, total: entries, result });
    const unknown = await ask('GET', `/ledger-verifications/${randomUUID()}`);
    expect(unknown.body).toMatchObject({ status: 404, code: 'no_such_verification' });
  });

  it('every service on a store reports a verification of its ledger', async () => {
    const other = releaseAfterTest(
      await startAdminService({ dataDir: service.directory, adminJwks: service.jwksFile }),
    );
    const { body } = await ask('POST', '/ledger-verifications');
    const path = `/ledger-verifications/${body.id}`;
    const show = () => readAdmin({ ...other, viewer: service.viewer }, path);
    expect(await show()).toMatchObject({ id: body.id });
    await until(async () => (await show()).state === 'done');
    expect(await show()).toEqual((await ask('GET', path)).body);
  });

  it('reports a verification as running while the store makes no progress for more than a minute', async () => {
    const clock = new TestClock();
    let end = (_verdict: LedgerVerdict) => {};
    const verifyLedger = () =>
      new Promise<LedgerVerdict>((resolve) => {
        end = resolve;
      });
    const store = withStore(service.store, { verifyLedger });
    const shared = sharedVerification(store, clock.read);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await verificationOperations(store, shared).startLedgerVerification();
      clock.advance(70_000);
      vi.advanceTimersByTime(70_000);
      await until(async () => (await shared.read())?.state === 'running');
      end({ entries: 0 });
      await until(async () => (await shared.read())?.state === 'done');
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('reports a verification as failed if its process ended before the clock was set back', async () => {
    const clock = new TestClock();
    const settings = new Map<string, string>();
    const store = {
      getSetting: async (key: string) => settings.get(key),
      putSetting: async (key: string, value: string) => void settings.set(key, value),
    };
    const shared = sharedVerification(store, clock.read);
    await shared.write({ id: randomUUID(), state: 'running', checked: 1, total: 2 });
    clock.advance(-2 * HOUR);
    expect(await shared.read()).toMatchObject({ state: 'failed', error: expect.stringContaining('ended') });
  });

  it('runs one verification for concurrent requests to one service, and another one for each other service', async () => {
    const clock = new TestClock();
    const ends: ((verdict: LedgerVerdict) => void)[] = [];
    const verifyLedger = () => new Promise<LedgerVerdict>((resolve) => ends.push(resolve));
    const store = withStore(service.store, { verifyLedger });
    const [one, other] = [0, 1].map(() =>
      verificationOperations(store, sharedVerification(store, clock.read)),
    ) as [LedgerVerifications, LedgerVerifications];
    const [first, second, third] = await Promise.all([
      one.startLedgerVerification(),
      one.startLedgerVerification(),
      other.startLedgerVerification(),
    ]);
    expect(second.id).toBe(first.id);
    expect(third.id).not.toBe(first.id);
    expect(ends).toHaveLength(2);
    for (const end of ends) end({ entries: 0 });
    await until(async () => (await one.showLedgerVerification(first.id)).state === 'done');
    await until(async () => (await other.showLedgerVerification(third.id)).state === 'done');
  });

  it.each(['running', 'done'])(
    'verifies although the store has a report of a verification that is %s',
    async (state) => {
      const forged = { id: randomUUID(), state, checked: 1, total: 1, result: { ok: true, problems: [] } };
      await putReport(JSON.stringify({ at: service.clock.read(), report: forged }));
      const { uid } = await create();
      service.sql('UPDATE grants SET redemptions_allowed = 999 WHERE uid = ?', uid);
      const { body } = await ask('POST', '/ledger-verifications');
      await putReport(JSON.stringify({ at: service.clock.read(), report: { ...forged, id: body.id } }));
      const show = () => ask('GET', `/ledger-verifications/${body.id}`);
      await until(async () => (await show()).body.state !== 'running');
      expect((await show()).body.result).toMatchObject({ ok: false });
      service.sql('UPDATE grants SET redemptions_allowed = 20 WHERE uid = ?', uid);
    },
  );

  it.each(['x', 'null', '{}', '[]'])('verifies although the stored report is %s', async (text) => {
    await putReport(text);
    const unknown = await ask('GET', `/ledger-verifications/${randomUUID()}`);
    expect(unknown.body).toMatchObject({ status: 404, code: 'no_such_verification' });
    const { body } = await ask('POST', '/ledger-verifications');
    const show = () => ask('GET', `/ledger-verifications/${body.id}`);
    await until(async () => (await show()).body.state === 'done');
  });

  it('a verification of the ledger names the first fault', async () => {
    const { uid } = await create();
    service.sql('UPDATE grants SET redemptions_allowed = 999 WHERE uid = ?', uid);
    const { body } = await ask('POST', '/ledger-verifications');
    const show = () => ask('GET', `/ledger-verifications/${body.id}`);
    await until(async () => (await show()).body.state !== 'running');
    expect((await show()).body.result).toEqual({
      ok: false,
      problems: [{ message: expect.stringContaining(uid), grantUid: uid }],
    });
    service.sql('UPDATE grants SET redemptions_allowed = 20 WHERE uid = ?', uid);
  });

  it('a verification of the ledger reports a store without the mark of its ledger', async () => {
    await create();
    const [{ value }] = service.rows("SELECT value FROM settings WHERE key = 'ledger-epoch'") as [
      { readonly value: string },
    ];
    service.sql("DELETE FROM settings WHERE key = 'ledger-epoch'");
    const { body } = await ask('POST', '/ledger-verifications');
    const show = () => ask('GET', `/ledger-verifications/${body.id}`);
    await until(async () => (await show()).body.state !== 'running');
    expect((await show()).body).toMatchObject({
      state: 'done',
      result: { ok: false, problems: [{ message: expect.stringContaining('ledger-epoch') }] },
    });
    service.sql("INSERT INTO settings VALUES ('ledger-epoch', ?)", value);
  });
});
