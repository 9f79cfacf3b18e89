import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { singleUseTokens } from '../support/abandoned-requests.js';
import { ENDPOINT, json, linkgrant, Workplace } from '../support/command-line.js';
import { createMemoryCgroup } from '../support/memory-cgroup.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';

const FLOODER = `${import.meta.dirname}/half-open-flooder.mjs`;
// The memory limit of deploy/kustomize and deploy/helm.
const LIMIT_BYTES = 512 * 1024 * 1024;
// Skupper's controller repeats its request every 30 seconds. Longer, because of slow machines.
const TIMEOUT_MS = 150_000;
const MAX_CONNECTIONS = 2_048;
const RATE = 600;
const ADDRESSES = 20;
// An environment variable sets another number of seconds for a longer run.
const SECONDS = Number(process.env.LINKGRANT_TEST_FLOOD_SECONDS ?? 30);

// The processes in the group end first: the latest resource is released first.
const cgroup = releaseAfterFile(createMemoryCgroup(LIMIT_BYTES));
const place = releaseAfterFile(new Workplace());

it('within the shipped memory limit the default of --max-connections is 2,048, divided among the workers', async () => {
  const limitOf = async (...words: string[]) => {
    const check = ['config', 'check', '-o', 'json', '--data-dir', place.path('data'), ...words];
    const rows: { key: string; value: string }[] = json(await linkgrant(check, { cgroup }));
    return rows.find(({ key }) => key === 'maxConnections')?.value;
  };
  expect(await limitOf()).toBe(String(MAX_CONNECTIONS));
  expect(await limitOf('--workers', '2')).toBe('1024');
  expect(await limitOf('--max-connections', '9999')).toBe('9999');
});

it(
  'a service redeems tokens within the shipped memory limit during a flood of half-open handshakes',
  async () => {
    const words = ['--data-dir', place.path('data')];
    const service = await place.serve([...words, ...ENDPOINT], { cgroup });
    const tokens = await singleUseTokens(SECONDS, place.path('tokens'), words);
    const flooder = fork(FLOODER, [String(service.port), String(RATE), String(ADDRESSES)]);
    let opened = 0;
    flooder.on('message', (count: number) => (opened = count));
    await once(flooder, 'message');
    const began = performance.now();
    const waits: number[] = [];
    let refusals = 0;
    for (const { path, ca, code } of tokens) {
      // A slow machine needs longer for each redemption, and fewer redemptions then.
      if (opened > RATE * SECONDS) break;
      const sent = performance.now();
      const headers = csrHeader();
      // On a slow machine the service may refuse a request as overloaded; its client then repeats the request.
      const redeem = async () => {
        const answer = await post({ port: service.port, ca }, path, code, { headers }).catch(() => undefined);
        if (answer && answer.status !== 503) return redeemedAnswer(answer);
        refusals += 1;
        throw new Error('refused');
      };
      await vi.waitFor(redeem, { timeout: TIMEOUT_MS, interval: 1_000 });
      waits.push(performance.now() - sent);
      await sleep(1_000);
    }
    const rate = (opened / (performance.now() - began)) * 1_000;
    console.log(
      `${opened} half-open connections (${rate.toFixed()} a second), peak memory ${cgroup.peakBytes()} bytes, ${refusals} refused requests, longest redemption ${Math.max(...waits).toFixed()} ms`,
    );
    // At least so many on a slow machine, where the rate is lower: more than the service has at a time.
    expect(opened).toBeGreaterThan(MAX_CONNECTIONS);
    expect(cgroup.kills()).toBe(0);
    flooder.disconnect();
    await once(flooder, 'exit');
  },
  60_000 + SECONDS * 12_000,
);
