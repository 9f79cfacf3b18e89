import { processorTime } from './processor-time.mjs';
import { makeGrants, RequestSource } from './requests.mjs';
import { startBareServer, startService, withService } from './servers.mjs';
import { median } from './statistics.mjs';

/** Number of measured rounds of each side of a comparison. */
export const ROUNDS = 3;
/** Warm-up requests: enough that V8 has optimized the frequently executed code. */
export const WARM_UP = 3_000;
const CLIENTS = 32;

/** The median of each figure of rounds. */
function medians(rounds) {
  const figures = ['perSecond', 'p50Ms', 'p99Ms', 'longestMs', 'driverCpuMs', 'serverCpuMs'];
  return Object.fromEntries(figures.map((figure) => [figure, median(rounds.map((round) => round[figure]))]));
}

/** Runs a round on one server. Returns what the driver measured, and the processor time of the server for each request. */
async function round(driver, server, ca, requests) {
  const before = processorTime(server.pid);
  const measured = await driver.run({ port: server.port, ca, clients: CLIENTS, requests });
  const serverCpuMs = (processorTime(server.pid) - before) / requests.length;
  if (measured.outcomes['200'] !== requests.length)
    throw new Error(`not every request was answered with 200: ${JSON.stringify(measured.outcomes)}`);
  return { ...measured, serverCpuMs };
}

/** Starts a service on a store, with grants and a source of requests. */
export async function startSide(directory, { url, env } = {}) {
  const service = await startService(directory, url === undefined ? [] : ['--store', url], env);
  const { grants, ca } = await makeGrants(directory, { store: url, env });
  return { service, ca, source: new RequestSource(grants, 'csr') };
}

/** Measures services in turns: each has one warm-up round, then three rounds. Returns the medians of each service. */
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
 * Sends the same requests to the service and to a bare server with the same response, in turns: one warm-up round, then three
 * rounds each. Every request has a new TLS connection. Returns the medians of both, and their ratios.
 */
export const compareWithBare = (options) =>
  withService((started) => compareStarted(started, options), options.flags);

async function compareStarted({ service, grants, ca }, { driver, kind, requests }) {
  let bare;
  try {
    const source = new RequestSource(grants, kind);
    const first = await round(driver, service, ca, await source.take(1));
    bare = await startBareServer(service.credentials, first.sample);
    const warmUpRequests = await source.take(WARM_UP);
    await round(driver, service, ca, warmUpRequests);
    await round(driver, bare, ca, warmUpRequests);
    const rounds = { service: [], bare: [] };
    for (let number = 0; number < ROUNDS; number++) {
      const texts = await source.take(requests);
      rounds.service.push(await round(driver, service, ca, texts));
      rounds.bare.push(await round(driver, bare, ca, texts));
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
  }
}

const cpuOf = ({ serverCpuMs }) => serverCpuMs;
