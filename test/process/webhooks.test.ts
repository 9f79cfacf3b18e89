import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  linkgrantInProcess,
  type Serving,
  Workplace,
} from '../support/command-line.js';
import { metricOf } from '../support/operations.js';
import { releaseAfterFile } from '../support/release.js';
import { listenLocally } from '../support/servers/local-server.js';
import {
  hasValidSignature,
  startWebhookReceiver,
  WEBHOOK_SECRET,
} from '../support/servers/webhook-receiver.js';
import { validSlowIdentity } from '../support/slow-certificates.js';
import { until } from '../support/until.js';

const CLOCK = `${import.meta.dirname}/../chaos/movable-clock.mjs`;
const HOUR = 3_600_000;
const receiver = releaseAfterFile(await startWebhookReceiver());
// A receiver whose certificates are slow to verify.
const slowChain = validSlowIdentity();
const slowServer = createServer({ cert: slowChain.cert, key: slowChain.key }, (request, response) => {
  request.resume().on('end', () => response.writeHead(204).end());
});
const slow = releaseAfterFile(await listenLocally(slowServer));
const place = releaseAfterFile(new Workplace());
const secretFile = place.path('webhook-secret');
// Containers mount secrets with modes such as this one.
writeFileSync(secretFile, `${WEBHOOK_SECRET}\n`, { mode: 0o444 });

/** Starts a service with a movable clock, and webhooks to these URLs. */
function serve(dataDir: string, urls: readonly string[], ...words: readonly string[]): Promise<Serving> {
  return place.serve(
    [
      ...['--data-dir', dataDir, ...ENDPOINT],
      ...[...urls.flatMap((url) => ['--webhook', url]), '--webhook-secret-file', secretFile],
      ...words,
    ],
    { env: { NODE_OPTIONS: `--require "${CLOCK}"`, CLOCK_OFFSET_FILE: `${dataDir}-offset` } },
  );
}

/** Shifts the clock of a service by `ms` from the right time. */
function setClock(service: Serving, dataDir: string, ms: number): Promise<void> {
  const before = service.said.stderr.split('clock_moved').length;
  writeFileSync(`${dataDir}-offset`, String(ms));
  service.signal('SIGUSR2');
  return until(() => service.said.stderr.split('clock_moved').length > before);
}

/** Runs a command that must succeed. Returns its standard output. */
async function run(dataDir: string, ...words: readonly string[]): Promise<string> {
  const ended = expectSuccess(await linkgrant([...words, '--data-dir', dataDir]));
  return ended.stdout;
}

/** Issues and redeems a token of a grant. Returns a function that redeems the token for another site. */
async function createLink(dataDir: string, grant: string) {
  const token = await run(dataDir, 'token', 'issue', '-', '--grant', grant);
  const redeem = (site: string) =>
    linkgrant(['token', 'redeem', '-', '--to', '-', '--data-dir', place.path(site)], { input: token });
  expectSuccess(await redeem(`${grant}-${crypto.randomUUID()}`));
  return redeem;
}

interface Check {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
}

/** Returns the checks of `doctor` about webhooks: one for each receiver. */
async function webhookChecks(dataDir: string): Promise<Check[]> {
  const checks: Check[] = json(await linkgrant(['doctor', '--data-dir', dataDir, '-o', 'json']));
  return checks.filter(({ name }) => name.startsWith('webhook'));
}

const typesOf = (events: readonly { type: string }[]) =>
  events.map(({ type }) => type.replace('dev.linkgrant.', ''));

describe.concurrent('webhooks', () => {
  it('delivers every event once, and those of a link in order, after an hour of HTTP 500 and a restart', async () => {
    const dataDir = place.path('late');
    receiver.responses.set('/late', 500);
    const url = new URL('/late', receiver.url).href;
    const words = ['--webhook-allow-private'] as const;
    let service = await serve(dataDir, [url], ...words);
    const limits = ['--redemptions-allowed', '3', '--expiration-window', '9h'];
    await run(dataDir, 'grant', 'create', 'west', ...limits);
    // A new receiver gets the events after the position at which the service first read the ledger.
    await until(async () => (await webhookChecks(dataDir)).length > 0);
    await run(dataDir, 'grant', 'create', 'east', '--certificate-lifetime', '1d', ...limits);
    await createLink(dataDir, 'west');
    const redeem = await createLink(dataDir, 'east');
    // The token of `east` has no use left: the same client is refused ten times.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      expect((await redeem('refused')).code).toBe(3);
    }
    const attempts = () => receiver.received.filter(({ path }) => path === '/late').length;
    await until(() => attempts() >= 2);
    const [west] = json(
      await linkgrant(['redemption', 'list', '--grant', 'west', '-o', 'json', '--data-dir', dataDir]),
    );
    await run(dataDir, 'redemption', 'revoke', west.id);
    await setClock(service, dataDir, HOUR);
    const before = attempts();
    await until(() => attempts() > before);
    await service.stop();
    const [check] = await webhookChecks(dataDir);
    expect(check).toMatchObject({
      name: `webhook ${new URL(url).origin}/…`,
      status: 'warn',
      detail: expect.stringContaining('HTTP 500'),
    });
    expect(receiver.accepted('/late')).toEqual([]);

    receiver.responses.set('/late', 204);
    service = await serve(dataDir, [url], ...words);
    // The certificate of the link under `east` is overdue for renewal, and expires within hours.
    await setClock(service, dataDir, 20 * HOUR);
    await until(() => receiver.accepted('/late').length >= 7);
    const isAttention = ({ type }: { type: string }) => type.startsWith('dev.linkgrant.attention.');
    const accepted = receiver.accepted('/late');
    expect(accepted.filter(isAttention)).toMatchObject([
      { subject: 'link-expiring', data: { severity: 'warning', count: 1 } },
    ]);
    const events = accepted.filter((event) => !isAttention(event));
    expect(typesOf(events)).toEqual([
      'link.redeemed',
      'link.redeemed',
      'grant.repeatedly-refused',
      'link.revoked',
      'link.expiring',
      'link.not-renewed',
    ]);
    const [first, second, refused, revoked, expiring, notRenewed] = events;
    expect(revoked?.subject).toBe(first?.subject);
    expect(expiring?.subject).toBe(second?.subject);
    expect(notRenewed?.subject).toBe(second?.subject);
    expect(refused?.data).toMatchObject({ code: 'code_exhausted', count: 10, grant: 'east' });
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events.every(({ source }) => source === service.url)).toBe(true);
    const messages = receiver.received.filter(({ path }) => path === '/late');
    expect(messages.every(hasValidSignature)).toBe(true);
    expect(messages.every(({ headers, event }) => headers['webhook-id'] === event.id)).toBe(true);
    // The service stores the last delivery when it has the response of the receiver.
    const delivered = async () =>
      (await webhookChecks(dataDir))[0]?.detail.startsWith('no event waits') ?? false;
    await until(delivered);
    expect((await webhookChecks(dataDir))[0]).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining('HTTP 500'),
    });
    await run(dataDir, 'ledger', 'verify');

    // Nothing is sent again after another restart.
    await service.stop();
    service = await serve(dataDir, [url], ...words);
    await run(dataDir, 'grant', 'revoke', 'east', '--cascade');
    await until(() => receiver.accepted('/late').length > 8);
    await setClock(service, dataDir, 21 * HOUR);
    await until(() => receiver.accepted('/late').length > 9);
    const later = receiver.accepted('/late').slice(7);
    expect(typesOf(later).sort()).toEqual(['attention.cleared', 'grant.revoked', 'link.revoked']);
    expect(later.filter(isAttention)).toMatchObject([{ data: { kind: 'link-expiring' } }]);
    await service.stop();
  });

  it('delivers an event again with the same id if the service was killed before it stored the delivery', async () => {
    const dataDir = place.path('killed');
    receiver.responses.set('/killed', 'never');
    const url = new URL('/killed', receiver.url).href;
    const first = await serve(dataDir, [url], '--webhook-allow-private');
    await until(async () => (await webhookChecks(dataDir)).length > 0);
    await run(dataDir, 'grant', 'create', 'west');
    await createLink(dataDir, 'west');
    await until(() => receiver.received.some(({ path }) => path === '/killed'));
    first.signal('SIGKILL');
    await first.ended;
    receiver.responses.set('/killed', 204);
    const second = await serve(dataDir, [url], '--webhook-allow-private');
    // The claim of the killed process expires after 30 seconds.
    await setClock(second, dataDir, 60_000);
    await until(() => receiver.accepted('/killed').length > 0);
    const ids = receiver.received.filter(({ path }) => path === '/killed').map(({ event }) => event.id);
    expect(ids).toEqual([ids[0], ids[0]]);
    await second.stop();
  });

  it('a receiver that never responds, or that redirects, delays no other receiver and no redemption, and its redirect is not followed', async () => {
    const dataDir = place.path('slow');
    receiver.responses.set('/never', 'never').set('/moved', 302);
    const urls = ['/never', '/moved', '/ok'].map((path) => new URL(path, receiver.url).href);
    const service = await serve(dataDir, urls, '--webhook-allow-private', '--ops-listen', '127.0.0.1:0');
    await until(async () => (await webhookChecks(dataDir)).length === 3);
    await run(dataDir, 'grant', 'create', 'west', '--redemptions-allowed', '2');
    await createLink(dataDir, 'west');
    await until(() => receiver.received.some(({ path }) => path === '/never'));
    await createLink(dataDir, 'west');
    await until(() => receiver.accepted('/ok').length === 2);
    expect(typesOf(receiver.accepted('/ok'))).toEqual(['link.redeemed', 'link.redeemed']);
    const failures = async () =>
      (await webhookChecks(dataDir)).filter(({ status }) => status === 'warn').map(({ detail }) => detail);
    await until(async () => (await failures()).length === 2);
    const details = (await failures()).join('\n');
    expect(details).toContain('no complete response in time');
    expect(details).toContain('HTTP 302: redirects are not followed');
    expect(receiver.received.filter(({ path }) => path === '/redirected')).toEqual([]);
    const attempts = (outcome: string) =>
      metricOf(service, `linkgrant_webhook_attempts_total{outcome="${outcome}"}`);
    expect(await attempts('delivered')).toBe(2);
    expect(await attempts('failed')).toBeGreaterThan(0);
    expect((await service.stop()).code).toBe(0);
  });

  it('pauses the connections to a receiver whose TLS handshakes take too much processor time', async () => {
    const dataDir = place.path('processor-time');
    const caFile = place.path('slow-ca');
    writeFileSync(caFile, slowChain.ca);
    const urls = [`https://127.0.0.1:${slow.port}/`, new URL('/beside', receiver.url).href];
    const service = await serve(dataDir, urls, '--webhook-allow-private', '--webhook-ca', caFile);
    await until(async () => (await webhookChecks(dataDir)).length === 2);
    // The receiver accepts each event, so that nothing else delays the next one.
    for (let count = 0; count < 8; count += 1) await run(dataDir, 'grant', 'create', `west-${count}`);
    for (let count = 0; count < 8; count += 1) await run(dataDir, 'grant', 'revoke', `west-${count}`);
    await until(async () =>
      (await webhookChecks(dataDir)).some(({ detail }) => detail.includes('too much processor time')),
    );
    await until(() => receiver.accepted('/beside').length === 8);
    expect((await service.stop()).code).toBe(0);
  });

  it('refuses an address of this machine without --webhook-allow-private', async () => {
    const dataDir = place.path('private');
    const service = await serve(dataDir, ['https://localhost:1/a']);
    await until(async () => (await webhookChecks(dataDir)).length > 0);
    await run(dataDir, 'grant', 'create', 'west');
    await createLink(dataDir, 'west');
    await until(async () => (await webhookChecks(dataDir))[0]?.status === 'warn');
    expect((await webhookChecks(dataDir))[0]?.detail).toContain('--webhook-allow-private');
    await service.stop();
  });
});

it('the path and query of a webhook URL are not in the log, the output of doctor and the files of the service', async () => {
  const dataDir = place.path('masked');
  receiver.responses.set('/T0/hunter2?key=hunter3', 500);
  const url = new URL('/T0/hunter2?key=hunter3', receiver.url);
  const service = await serve(dataDir, [url.href], '--webhook-allow-private', '--log-level', 'debug');
  await until(async () => (await webhookChecks(dataDir)).length > 0);
  await run(dataDir, 'grant', 'create', 'west');
  await createLink(dataDir, 'west');
  await until(() => service.said.stderr.includes('webhook_failed'));
  const { stdout } = await linkgrant(['doctor', '--data-dir', dataDir]);
  await service.stop();
  const log = service.said.stdout + service.said.stderr;
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  for (const text of [log, stdout]) expect(text).toContain(`${url.origin}/…`);
  expect(files.join('')).toContain(url.origin);
  expect([log, stdout, ...files].filter((text) => text.includes('hunter'))).toEqual([]);
});

describe('serve --webhook', () => {
  const HOOK = ['--webhook', 'https://hooks.example.com'];
  const SECRET = ['--webhook-secret-file', secretFile];
  const missingFile = place.path('missing-secret');
  // Contains neither a secret nor a certificate.
  const invalidFile = place.path('no-secret');
  writeFileSync(invalidFile, 'hunter2');

  it.each([
    ['without a secret', HOOK, '--webhook-secret-file'],
    ['with an http URL', [...SECRET, '--webhook', 'http://hooks.example.com'], 'not https'],
    [
      'with a password in the URL',
      [...SECRET, '--webhook', 'https://a:b@hooks.example.com'],
      '--webhook) cannot be',
    ],
    ['on kubernetes', [...HOOK, ...SECRET, '-p', 'kubernetes'], 'kubernetes'],
    [
      'with a CA file without a certificate',
      [...HOOK, ...SECRET, '--webhook-ca', invalidFile],
      'no certificate',
    ],
    [
      'with a secret file that does not exist',
      [...HOOK, '--webhook-secret-file', missingFile],
      `--webhook-secret-file ${missingFile} cannot be read: it does not exist`,
    ],
    [
      'with a secret file without a secret',
      [...HOOK, '--webhook-secret-file', invalidFile],
      'no webhook secret',
    ],
  ])('is refused %s, with a hint', async (_, words, reason) => {
    const command = ['serve', '--data-dir', place.path('refused'), ...words];
    const { error, hint } = expectRefusal(await linkgrantInProcess(command, {}), 2);
    expect(error).toContain(reason);
    // The hint has a command that writes a file: it must not name a file of the user.
    expect(hint).not.toContain(place.directory);
  });

  it('is refused with a hint that has the command to create a secret, if the file has none', async () => {
    const words = [...HOOK, '--webhook-secret-file', invalidFile];
    const { hint } = expectRefusal(await linkgrantInProcess(['serve', ...words], {}), 2);
    expect(hint).toContain('openssl rand -base64 32');
  });
});
