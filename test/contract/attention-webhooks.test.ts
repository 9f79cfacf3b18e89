import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { DAY_MS as DAY } from '../../src/domain/duration.js';
import { attentionOperation } from '../../src/redemption/administration/attention.js';
import type { HealthFinding } from '../../src/redemption/administration/reports/health-report.js';
import type { CloudEvent } from '../../src/redemption/notifying/cloud-event.js';
import { deliverEvents } from '../../src/redemption/notifying/deliver-events.js';
import { oldestUndelivered } from '../../src/redemption/notifying/undelivered.js';
import {
  readWebhookStates,
  receiverOf,
  type WebhookState,
  writeWebhookStates,
} from '../../src/redemption/notifying/webhook-states.js';
import type { ObservedConnections } from '../../src/redemption/ports/connections.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import type { WebhookStore } from '../../src/redemption/ports/webhook-store.js';
import { sqlGrantStore } from '../../src/stores/sql/sql-grant-store.js';
import { webhookStore } from '../../src/stores/sql/webhooks.js';
import { openSqliteDatabase } from '../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { MINUTE, NOW, sampleRedemption, storedGrant } from '../support/store-samples.js';

const URL_OF_RECEIVER = 'https://hooks.example.com/a';
const UNKNOWN: ObservedConnections = { peers: undefined, version: '' };
const failedCheck: HealthFinding = { check: 'issuer', status: 'error', message: 'it has expired' };

let store: DatabaseStore;
let webhooks: WebhookStore;
let now: number;
let observed: ObservedConnections;
let findings: readonly HealthFinding[];
let isReceiverUp: boolean;
let isDiskFull: boolean;
let attempts: CloudEvent[];
let accepted: CloudEvent[];

beforeEach(async () => {
  const file = join(directoryForTest(), 'linkgrant.db');
  const database = await openSqliteDatabase({ file, migrate: true });
  store = releaseAfterTest(sqlGrantStore(database, () => now));
  webhooks = webhookStore(database);
  [now, observed, findings, attempts, accepted] = [NOW, UNKNOWN, [], [], []];
  [isReceiverUp, isDiskFull] = [true, false];
});

/** Stores the progress of a receiver that has accepted everything. */
async function addReceiver(): Promise<void> {
  const progress = {
    position: await webhooks.lastPosition(),
    ...{ statesUntil: now, failures: 0, retryAt: 0 },
  };
  await writeWebhookStates(store, [{ ...receiverOf(URL_OF_RECEIVER), ...progress }], new Set(), now);
}

/** Delivers after two minutes; without `states` as a process does that has just claimed the delivery. */
async function deliver(states?: WebhookState[]): Promise<void> {
  now += 2 * MINUTE;
  const present = states ?? (await readWebhookStates(store));
  const readAttention = attentionOperation({
    ...{ store, clock: () => now, readService: async () => undefined, checkReadiness: async () => findings },
    connections: { latest: () => observed, observe: async () => observed },
  });
  for (const state of present)
    await deliverEvents(state, {
      ...{ webhooks, links: store, clock: () => now, readAttention },
      source: () => 'https://grants.example.com',
      mayDeliver: () => true,
      retryDelay: () => 1,
      observe: () => undefined,
      async save() {
        if (isDiskFull) throw new Error('the disk is full');
        await writeWebhookStates(store, present, new Set(), now);
      },
      async post(event) {
        attempts.push(event);
        if (!isReceiverUp) throw new Error('HTTP 500');
        accepted.push(event);
      },
    });
}

const acceptedTypes = () =>
  accepted
    .filter(({ type }) => type.includes('.attention.'))
    .map(({ type, subject }) => `${type.replace('dev.linkgrant.attention.', '')} ${subject}`);

it('a kind that needs attention is raised once and cleared once, also if another process delivers', async () => {
  const { uid } = await storedGrant(store, { redemptionsAllowed: 9 });
  const ended = { createdAt: NOW - 30 * DAY, notAfter: NOW - 1 };
  const redemptions = [sampleRedemption(uid, ended), sampleRedemption(uid, ended)];
  for (const redemption of redemptions) await store.recordRedemption(uid, redemption, now);
  await addReceiver();
  await deliver();
  await deliver();
  expect(accepted).toMatchObject([
    {
      type: 'dev.linkgrant.attention.raised',
      subject: 'link-expired',
      time: expect.stringMatching(/^2031-/),
      data: {
        ...{ kind: 'link-expired', severity: 'warning', count: 2 },
        message: expect.stringContaining('expired at'),
        nextStep: expect.stringMatching(/^linkgrant redemption show /),
      },
    },
  ]);
  await store.revokeRedemption(redemptions[0]?.id ?? '', now);
  await deliver();
  expect(acceptedTypes()).toEqual(['raised link-expired']);
  await store.revokeRedemption(redemptions[1]?.id ?? '', now);
  await deliver();
  await deliver();
  expect(acceptedTypes()).toEqual(['raised link-expired', 'cleared link-expired']);
  expect(new Set(accepted.map(({ id }) => id)).size).toBe(accepted.length);
});

it('a kind that needs attention is neither raised nor cleared while it is not known', async () => {
  const { uid } = await storedGrant(store);
  const link = sampleRedemption(uid, { createdAt: now, notAfter: now + 365 * DAY });
  await store.recordRedemption(uid, link, now);
  await store.revokeRedemption(link.id, now);
  await addReceiver();
  const { subject, siteUid } = link;
  const peer = { siteId: subject, siteName: subject, linkName: link.name, acceptingSite: siteUid ?? 'a' };
  observed = { peers: [peer], version: '1' };
  await deliver();
  expect(acceptedTypes()).toEqual(['raised link-revoked-connected']);
  observed = UNKNOWN;
  await deliver();
  expect(acceptedTypes()).toHaveLength(1);
  observed = { peers: [], version: '2' };
  await deliver();
  expect(acceptedTypes()).toEqual(['raised link-revoked-connected', 'cleared link-revoked-connected']);
});

it('an event about what needs attention that is not accepted is sent again with its id, and counts as undelivered, before the next change', async () => {
  await addReceiver();
  findings = [failedCheck];
  isReceiverUp = false;
  await deliver();
  const foundAt = now;
  findings = [];
  await deliver();
  const ids = attempts.map(({ id }) => id);
  expect(ids).toEqual([ids[0], ids[0]]);
  const context = { store, webhooks, links: store, now };
  expect(await oldestUndelivered([URL_OF_RECEIVER], context)).toBe(foundAt);
  isReceiverUp = true;
  await deliver();
  await deliver();
  expect(acceptedTypes()).toEqual(['raised service-not-ready', 'cleared service-not-ready']);
  expect(accepted.map(({ id }) => id)).toContain(ids[0]);
  expect(await oldestUndelivered([URL_OF_RECEIVER], { ...context, now })).toBeUndefined();
});

it('an event is sent only after it was stored, also if the store has failed before', async () => {
  await addReceiver();
  const states = await readWebhookStates(store);
  findings = [failedCheck];
  isDiskFull = true;
  for (const _ of ['first', 'second']) await expect(deliver(states)).rejects.toThrow('the disk is full');
  expect(attempts).toEqual([]);
  isDiskFull = false;
  await deliver(states);
  expect(acceptedTypes()).toEqual(['raised service-not-ready']);
});
