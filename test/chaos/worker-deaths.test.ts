import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { ENDPOINT, linkgrant, type Serving, Workplace } from '../support/command-line.js';
import { readOperations } from '../support/operations.js';
import { childrenOf } from '../support/process-children.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';

const CLIENTS = 8;
const DEATHS = 3;

const place = releaseAfterFile(new Workplace());

/** The values that must not decrease, by series: counters, and the parts of histograms. */
async function cumulative(service: Serving): Promise<Map<string, number>> {
  const { text } = await readOperations(service, '/metrics');
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type]),
  );
  const series = [...text.matchAll(/^([^#{\s]+)(\{.*\})? (\S+)$/gm)];
  return new Map(
    series.flatMap(([, name = '', labels = '', value]) => {
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
      const rises = ['counter', 'histogram'].includes(types.get(family) ?? '');
      return rises ? [[`${name}${labels}`, Number(value)] as const] : [];
    }),
  );
}

it('workers that die under load are replaced, and no counter of the metrics ever decreases', async () => {
  const dataDir = place.path('data');
  const service = await place.serve([
    ...['--data-dir', dataDir, '--workers', '2', '--ops-listen', '127.0.0.1:0'],
    ...ENDPOINT,
  ]);
  const issue = ['token', 'issue', '-', '--redemptions-allowed', '100000', '--data-dir', dataDir];
  const { url, ca, code } = parse((await linkgrant(issue)).stdout).spec;
  const target = { port: service.port, ca };
  let isOver = false;
  let redeemed = 0;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isOver) {
      const answer = await post(target, new URL(url).pathname, code, { headers: csrHeader() }).catch(
        () => undefined,
      );
      if (answer?.status === 200) redeemed += 1;
    }
  });

  let before = await cumulative(service);
  const decreased: string[] = [];
  const compare = async () => {
    const now = await cumulative(service);
    for (const [series, value] of before) if ((now.get(series) ?? 0) < value) decreased.push(series);
    before = now;
  };
  const isReady = async () => (await readOperations(service, '/readyz')).status === 200;
  while (!(await isReady())) await compare();
  const counted = () => before.get('linkgrant_responses_total{operation="redeem",outcome="redeemed"}') ?? 0;
  // Workers report every five seconds; a worker that has reported nothing has no counts to lose.
  while (counted() === 0) await compare();
  const ended = () => before.get('linkgrant_worker_ends_total');
  for (let death = 1; death <= DEATHS; death += 1) {
    const enough = redeemed + 20;
    while (redeemed < enough) await compare();
    const [doomed] = childrenOf(service.pid);
    process.kill(doomed as number, 'SIGKILL');
    while (ended() !== death) await compare();
    // With no worker alive, the port (chosen by the system) would be released: wait before the next kill.
    while (!(await isReady())) await compare();
  }
  isOver = true;
  await Promise.all(clients);
  await compare();
  expect(decreased).toEqual([]);
  // Each kill may lose one response for each client, after the worker has counted the redemption.
  expect(counted()).toBeLessThanOrEqual(redeemed + DEATHS * CLIENTS);
  expect(childrenOf(service.pid)).toHaveLength(2);
});

it('workers whose parent was killed exit without an error', async () => {
  const service = await place.serve(['--data-dir', place.path('orphans'), '--workers', '2']);
  service.signal('SIGKILL');
  // `ended` resolves after the last worker has closed standard error.
  expect(await service.ended).toEqual({ code: null, signal: 'SIGKILL' });
  expect(service.said.stderr).toBe('');
});
