import { once } from 'node:events';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { adminAccess } from './admin-listing.mjs';
import { medians, round, WARM_UP } from './compare.mjs';
import { makeGrants, RequestSource } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';
import { median } from './statistics.mjs';

const STREAMS = 200;
// The streams of one subject are limited.
const SUBJECTS = 20;
const PAIRS = 9;
const CHANGE_TIMEOUT_MS = 5_000;

/** Opens a stream of changes on a new connection. Resolves after its first event. */
async function openStream({ port, ca, bearer }) {
  const headers = { authorization: `Bearer ${bearer}`, accept: 'text/event-stream' };
  const sent = request({ host: '127.0.0.1', port, ca, path: '/api/v1/changes', agent: false, headers });
  sent.end();
  const [response] = await once(sent, 'response');
  if (response.statusCode !== 200) throw new Error(`no stream of changes: HTTP ${response.statusCode}`);
  const stream = { bytes: 0, isOpen: true, close: () => response.destroy() };
  response.on('data', ({ length }) => {
    stream.bytes += length;
  });
  response.on('error', () => undefined);
  response.once('close', () => {
    stream.isOpen = false;
  });
  await once(response, 'data');
  return stream;
}

/** Runs a round beside open streams. Throws if a stream ended or received no change. */
async function roundBeside(streams, run) {
  const before = streams.map(({ bytes }) => bytes);
  const measured = await run();
  const failed = () => streams.filter(({ isOpen, bytes }, index) => !isOpen || bytes === before[index]);
  // The changes of a short round arrive after it.
  for (let waited = 0; failed().length > 0 && waited < CHANGE_TIMEOUT_MS; waited += 100) await sleep(100);
  if (failed().length > 0) throw new Error(`${failed().length} streams ended or received no change`);
  return measured;
}

/**
 * Compares redemptions with and without 200 open streams of the admin API's changes on one service, in pairs of rounds in
 * alternating order. The ratio is the median of the ratios of the pairs.
 */
export async function measureEventStreams({ driver, requests }) {
  const { directory, remove } = temporaryDirectory();
  const { flags, bearerOf } = await adminAccess(directory);
  const service = await startService(directory, flags);
  try {
    const { grants, ca } = await makeGrants(directory);
    const source = new RequestSource(grants, 'csr');
    const bearers = await Promise.all(
      Array.from({ length: SUBJECTS }, (_, number) => bearerOf(`bench-${number}`)),
    );
    const take = async (count) => {
      const texts = await source.take(count);
      return () => round(driver, service, ca, texts);
    };
    const measureAlone = async (count) => (await take(count))();
    const measureBeside = async (count) => {
      const run = await take(count);
      const streams = [];
      try {
        // One after the other, because the listener limits the connections of one address without a valid token.
        while (streams.length < STREAMS) {
          const bearer = bearers[streams.length % SUBJECTS];
          streams.push(await openStream({ port: service.adminPort, ca, bearer }));
        }
        return await roundBeside(streams, run);
      } finally {
        for (const stream of streams) stream.close();
      }
    };
    const sides = [
      { measure: measureAlone, rounds: [] },
      { measure: measureBeside, rounds: [] },
    ];
    for (const { measure } of sides) await measure(WARM_UP);
    for (let pair = 0; pair < PAIRS; pair++) {
      const order = pair % 2 === 0 ? sides : sides.toReversed();
      for (const { measure, rounds } of order) rounds.push(await measure(requests));
    }
    const [alone, beside] = sides.map(({ rounds }) => rounds);
    const ratios = beside.map(({ serverCpuMs }, pair) => serverCpuMs / alone[pair].serverCpuMs);
    return {
      streams: STREAMS,
      requests: requests * PAIRS,
      pairs: PAIRS,
      alone: medians(alone),
      beside: medians(beside),
      ratios,
      streamsRatio: median(ratios),
    };
  } finally {
    await service.stop();
    remove();
  }
}
