import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { beforeEach, expect, it } from 'vitest';
import { LedgerKeyFile } from '../../../src/stores/ledger-key.js';
import { directoryForTest } from '../../support/release.js';

const ROUNDS = 50;
// Renames the file of pending key `n` once the first counter is `n`, as `confirm` of another process does.
const CONFIRMING = `
  const { renameSync } = require('node:fs');
  const { directory, rounds, counters } = require('node:worker_threads').workerData;
  for (let n = 1; n <= rounds; n++) {
    while (Atomics.load(counters, 0) < n);
    renameSync(directory + '/' + n + '.new', directory + '/' + n);
    Atomics.store(counters, 1, n);
  }`;

let directory: string;
beforeEach(() => {
  directory = directoryForTest();
});

it('a pending ledger key can be read while another process confirms it', async () => {
  const keys = Array.from(
    { length: ROUNDS },
    (_, index) => new LedgerKeyFile(join(directory, `${index + 1}`)),
  );
  for (const key of keys) key.create();
  const counters = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(CONFIRMING, { eval: true, workerData: { directory, rounds: ROUNDS, counters } });
  try {
    keys.forEach((key, index) => {
      const pending = key.read();
      Atomics.store(counters, 0, index + 1);
      while (Atomics.load(counters, 1) <= index) key.read();
      expect(key.read()).toEqual(pending);
    });
  } finally {
    await worker.terminate();
  }
});

it('a ledger key whose files are both absent is reported', () => {
  const key = new LedgerKeyFile(join(directory, 'ledger.key'));
  expect(() => key.read()).toThrow('cannot be read (ENOENT)');
});
