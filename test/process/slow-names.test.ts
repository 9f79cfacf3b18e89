import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { directoryForTest } from '../support/release.js';

const SCRIPT = resolve(import.meta.dirname, 'slow-names.mjs');
const DEPLOYMENT = resolve(import.meta.dirname, '../../deploy/kustomize/redeemer/deployment.yaml');
/** The redeemer works on 32 tokens and renews 8 links at a time. */
const ATTEMPTS = 40;

it('slow DNS names in all attempts of the redeemer do not stop another connection, and each attempt lasts until its look-up ends or the redeemer stops', async () => {
  const [, threads = ''] =
    /UV_THREADPOOL_SIZE\n\s+value: "(\d+)"/.exec(readFileSync(DEPLOYMENT, 'utf8')) ?? [];
  const resolver = join(directoryForTest(), 'resolv.conf');
  writeFileSync(resolver, 'nameserver 127.0.0.1\noptions timeout:10 attempts:1\n');
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const inside = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && exec "$2" "$3" "$4"';
  const script = [inside, 'sh', resolver, process.execPath, SCRIPT, JSON.stringify({ attempts: ATTEMPTS })];
  const { stdout } = await promisify(execFile)(
    'unshare',
    [...asRoot, '--net', '--mount', 'sh', '-c', ...script],
    { env: { ...process.env, UV_THREADPOOL_SIZE: threads } },
  );
  expect(JSON.parse(stdout)).toEqual({
    aborted: 'dns: The name slow.example.test cannot be resolved (no response in time).',
    unfinishedAfter: 0,
    other: expect.stringMatching(/^(?!dns)/),
    unfinishedBeside: ATTEMPTS,
    unfinishedAtStop: ATTEMPTS,
  });
});
