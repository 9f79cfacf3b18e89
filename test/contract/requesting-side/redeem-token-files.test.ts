import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, test } from 'vitest';
import { directoryMaterializer } from '../../../src/platforms/files/directory-materializer.js';
import { streamMaterializer } from '../../../src/platforms/standalone/stream-materializer.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { issuingServerForTest } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

const ROUNDS = 100;
const BELOW = '/below'.repeat(100);
// Creates directory `n` and those below it once the first counter is `n`, as a concurrent run does.
const CREATING = `
  const { mkdirSync } = require('node:fs');
  const { directory, below, rounds, counters } = require('node:worker_threads').workerData;
  for (let n = 1; n <= rounds; n++) {
    Atomics.store(counters, 1, n);
    while (Atomics.load(counters, 0) < n);
    mkdirSync(directory + '/' + n + below, { recursive: true });
  }`;

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

describe('token redeem and files on disk', () => {
  test('never overwrites files that linkgrant did not write, and sends no request', async () => {
    const server = await issuingServerForTest('linkgrant');
    mkdirSync(site.to);
    writeFileSync(join(site.to, 'Secret-my-link.yaml'), 'kind: Secret\n');
    expect(await site.outcome({ token: server.token })).toBe('place_taken');
    expect(server.seen).toEqual([]);
    await expect(site.redeem({ token: server.token })).rejects.toThrow('belongs to another redemption');
    expect(await site.outcome({ token: server.token, name: 'other' })).toBe('redeemed');
    expect(site.files().get('links/Secret-my-link.yaml')).toBe('kind: Secret\n');
  });

  test.each(['linkgrant', 'stock'] as const)(
    'never overwrites files of another redemption from %s',
    async (manner) => {
      const [first, second] = [await issuingServerForTest(manner), await issuingServerForTest(manner)];
      await site.redeem({ token: first.token });
      const before = site.files().get('links/Secret-my-link.yaml');
      expect(await site.outcome({ token: second.token })).toBe('place_taken');
      expect(second.seen).toEqual([]);
      const elsewhere = streamMaterializer(async () => undefined);
      await site.redeem({ token: second.token }, { materializer: elsewhere });
      // The response of the second redemption is now stored: nothing probes the place first, so the write itself must refuse.
      expect(await site.outcome({ token: second.token })).toBe('place_taken');
      expect(site.files().get('links/Secret-my-link.yaml')).toBe(before);
    },
  );

  test('sends no request if a file is in place of the directory, or if the name is too long for a file', async () => {
    const server = await issuingServerForTest('linkgrant');
    expect(
      await site.outcome({ token: server.token, name: `${'a'.repeat(63)}.`.repeat(4).slice(0, 250) }),
    ).toBe('not_writable');
    writeFileSync(site.to, '');
    expect(await site.outcome({ token: server.token })).toBe('not_writable');
    expect(server.seen).toEqual([]);
  });

  test('sends no request if the directory for links cannot be created', async () => {
    const server = await issuingServerForTest('linkgrant');
    const materializer = directoryMaterializer('/proc/linkgrant/links', Date.now);
    expect(await site.outcome({ token: server.token }, { materializer })).toBe('not_writable');
    expect(server.seen).toEqual([]);
  });

  test('finds no dangling symbolic link where a concurrent run creates the directory for links', async () => {
    const directory = directoryForTest();
    const counters = new Int32Array(new SharedArrayBuffer(8));
    const workerData = { directory, below: BELOW, rounds: ROUNDS, counters };
    const worker = new Worker(CREATING, { eval: true, workerData });
    try {
      for (let n = 1; n <= ROUNDS; n++) {
        while (Atomics.load(counters, 1) < n) await scheduler.yield();
        Atomics.store(counters, 0, n);
        await directoryMaterializer(join(directory, `${n}${BELOW}`), Date.now).probe('my-link');
      }
    } finally {
      await worker.terminate();
    }
  });

  test('deletes old temporary files that a dead run left beside the links and that contain a key', async () => {
    const server = await issuingServerForTest('linkgrant');
    const left = (digit: string) =>
      join(site.to, `.Secret-old.yaml.${digit.repeat(8)}-0000-4000-8000-000000000000`);
    mkdirSync(site.to);
    for (const digit of ['1', '2']) writeFileSync(left(digit), 'key');
    const anHourAgo = Date.now() / 1000 - 3_600;
    utimesSync(left('1'), anHourAgo, anHourAgo);
    await site.redeem({ token: server.token });
    expect([existsSync(left('1')), existsSync(left('2'))]).toEqual([false, true]);
  });

  test('deletes old temporary files that a dead run left in the data directory, and no other files', async () => {
    const server = await issuingServerForTest('linkgrant');
    await site.redeem({ token: server.token });
    const answer = [...site.files().keys()].find((path) => path.endsWith('/answer.yaml')) ?? '';
    const pending = join(site.root, dirname(answer));
    const ending = '11111111-0000-4000-8000-000000000000';
    const anHourAgo = Date.now() / 1000 - 3_600;
    const left = [`.key.pem.${ending}`, `.answer.yaml.${ending}`].map((name) => join(pending, name));
    const others = [join(site.to, `.config.${ending}`), join(site.to, '.Secret-x.yaml.swp')];
    for (const file of [...left, ...others]) {
      writeFileSync(file, 'key');
      utimesSync(file, anHourAgo, anHourAgo);
    }
    await site.redeem({ token: server.token });
    expect(left.filter(existsSync)).toEqual([]);
    expect(others.filter(existsSync)).toEqual(others);
  });

  test('refuses an invalid name or subject, and writes no file', async () => {
    const server = await issuingServerForTest('linkgrant');
    expect(await site.outcome({ token: server.token, name: '../x' })).toBe('name_invalid');
    expect(await site.outcome({ token: server.token, subject: 'a\nb' })).toBe('subject_invalid');
    expect(site.files().size).toBe(0);
  });
});
