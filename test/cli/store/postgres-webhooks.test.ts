import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addHost } from '../../support/accepting-site.js';
import {
  ENDPOINT,
  expectSuccess,
  json,
  linkgrant,
  type Serving,
  Workplace,
} from '../../support/command-line.js';
import { metricOf } from '../../support/operations.js';
import { releaseAfterFile } from '../../support/release.js';
import { startWebhookReceiver, WEBHOOK_SECRET } from '../../support/servers/webhook-receiver.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';
import { until } from '../../support/until.js';

const database = releaseAfterFile(await createTestDatabase());
const receiver = releaseAfterFile(await startWebhookReceiver());
const work = releaseAfterFile(new Workplace());
const replicas: Serving[] = [];
const env = { PGPASSWORD: database.password };
const on = (dataDir: string) => ['--data-dir', work.path(dataDir), '--store', database.url];
const run = (...words: readonly string[]) => linkgrant(words, { env });

/** Starts a replica with the keys of the first one. */
async function startReplica(name: string): Promise<void> {
  if (name !== 'first') addHost(work.path('first'), work.path(name));
  const words = [
    ...['--external-url', 'https://grants.example.com:9443', '--host', 'grants.example.com'],
    ...ENDPOINT,
    ...['--ops-listen', '127.0.0.1:0'],
    ...['--webhook', receiver.url, '--webhook-secret-file', work.path('secret'), '--webhook-allow-private'],
  ];
  replicas.push(await work.serve([...words, ...on(name)], { env }));
}

writeFileSync(work.path('secret'), WEBHOOK_SECRET, { mode: 0o600 });
await startReplica('first');
await startReplica('second');

/** Redeems a new token at each replica. */
async function redeemAtEach(): Promise<void> {
  for (const { port } of replicas) {
    const { stdout: input } = await run('token', 'issue', '-', '--grant', 'shared', ...on('first'));
    const site = work.path(`site-${crypto.randomUUID()}`);
    const route = `grants.example.com:9443:127.0.0.1:${port}`;
    const words = ['--data-dir', site, '--to', `${site}-links`, '--connect-to', route];
    expectSuccess(await linkgrant(['token', 'redeem', '-', ...words], { input }));
  }
}

/** The number of events that a replica has delivered. */
const deliveredBy = (replica: Serving): Promise<number> =>
  metricOf(replica, 'linkgrant_webhook_attempts_total{outcome="delivered"}');

describe('webhooks of two replicas with one PostgreSQL store', () => {
  it('one replica delivers each event once, and the other replica takes over when it has stopped', async () => {
    expect((await run('grant', 'create', 'shared', '--redemptions-allowed', '9', ...on('first'))).code).toBe(
      0,
    );
    await until(async () =>
      json(await run('doctor', ...on('first'), '-o', 'json')).some(({ name }: { name: string }) =>
        name.startsWith('webhook'),
      ),
    );
    await redeemAtEach();
    await until(() => receiver.accepted().length >= 2);
    // A replica counts a delivery only after the response.
    const delivered = async () => (await Promise.all(replicas.map(deliveredBy))).sort();
    await expect.poll(delivered).toEqual([0, 2]);

    const active = (await deliveredBy(replicas[0] as Serving)) > 0 ? 0 : 1;
    const [stopped] = replicas.splice(active, 1);
    await stopped?.stop();
    await redeemAtEach();
    await until(() => receiver.accepted().length >= 3);
    await expect.poll(() => deliveredBy(replicas[0] as Serving)).toBe(1);
    expect(new Set(receiver.accepted().map(({ id }) => id)).size).toBe(3);
    expect(receiver.received).toHaveLength(3);
    expect(receiver.received.every(({ event }) => event.source === 'https://grants.example.com:9443')).toBe(
      true,
    );
  });
});
