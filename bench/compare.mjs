import { processorTime } from './processor-time.mjs';
import { makeGrants, RequestSource } from './requests.mjs';
import { startBareServer, startService, temporaryDirectory } from './servers.mjs';
import { median } from './statistics.mjs';

/** How often each side of a comparison is measured. */
export const ROUNDS = 3;
/** Warm-up requests: enough that V8 has optimized the frequently executed code. */
export const WARM_UP = 3_000;
const CLIENTS = 32;

/** The medians of rounds, figure by figure. */
export function medians(rounds) {
  const figures = ['perSecond', 'p50Ms', 'p99Ms', 'longestMs', 'driverCpuMs', 'serverCpuMs'];
  return Object.fromEntries(figures.map((figure) => [figure, median(rounds.map((round) => round[figure]))]));
}

/** One round against one server: what the driver measured, and the server's processor time for each request. */
export async function round(driver, server, ca, requests) {
  const before = processorTime(server.pid);
  const measured = await driver.run({ port: server.port, ca, clients: CLIENTS, requests });
  const serverCpuMs = (processorTime(server.pid) - before) / requests.length;
  if (measured.outcomes['200'] !== requests.length)
    throw new Error(`not every request was answered with 200: ${JSON.stringify(measured.outcomes)}`);
  return { ...measured, serverCpuMs };
}

/** A service on a store, with grants and requests for them. */
export async function startSide(directory, { url, env } = {}) {
  const service = await startService(directory, url === undefined ? [] : ['--store', url], env);
  const { grants, ca } = await makeGrants(directory, { store: url, env });
  return { service, ca, source: new RequestSource(grants, 'csr') };
}

/** Measures services in turns: one warm-up round, then three rounds each. Returns the medians of each service. */
export async function compareSides({ driver, sides, requests }) {
  const take = async ({ service, ca, source }, count) => round(driver, service, ca, await source.take(count));
  for (const side of sides) await take(side, WARM_UP);
  const rounds = sides.map(() => []);
  for (let number = 0; number < ROUNDS; number++) {
    for (const [at, side] of sides.entries()) rounds[at].push(await take(side, requests));
  }
  return rounds.map(medians);
}

/**
 * Has the service and a bare server that answers the same bytes take the same requests in turns, three rounds each after
 * one to warm up, every request on a new TLS connection. Gives the medians of both and their ratio.
 */
export async function compareWithBare({ driver, kind, requests, warmUp, flags = [] }) {
  const { directory, remove } = temporaryDirectory();
  const service = await startService(directory, flags);
  let bare;
  try {
    const { grants, ca } = await makeGrants(directory);
    const source = new RequestSource(grants, kind);
    const first = await round(driver, service, ca, await source.take(1));
    bare = await startBareServer(service.credentials, first.sample);
    const warming = await source.take(warmUp);
    await round(driver, service, ca, warming);
    await round(driver, bare, ca, warming);
    const rounds = { service: [], bare: [] };
    for (let number = 0; number < ROUNDS; number++) {
      const taken = await source.take(requests);
      rounds.service.push(await round(driver, service, ca, taken));
      rounds.bare.push(await round(driver, bare, ca, taken));
    }
    const compared = { service: medians(rounds.service), bare: medians(rounds.bare) };
    return {
      requests: requests * ROUNDS,
      clients: CLIENTS,
      answerBytes: Math.round(rounds.service[0].bytesEach),
      cpuRatio: compared.service.serverCpuMs / compared.bare.serverCpuMs,
      p99Ratio: compared.service.p99Ms / compared.bare.p99Ms,
      ...compared,
      rounds: { service: rounds.service.map(cpuOf), bare: rounds.bare.map(cpuOf) },
    };
  } finally {
    await bare?.stop();
    await service.stop();
    remove();
  }
}

const cpuOf = ({ serverCpuMs }) => serverCpuMs;
