import { randomUUID } from 'node:crypto';
import { register } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './statistics.mjs';

register('./typescript-hooks.mjs', import.meta.url);

// One a second, so that they meet the beginning of the hostile work and what follows.
const HONEST = { tokens: 10, everyMs: 1_000 };
// Numbers of tokens of one namespace that lead to a slow server, by the number of such namespaces.
const HOSTILE = [
  { namespaces: 1, tokens: 100 },
  { namespaces: 6, tokens: 60 },
];
// The chain of RSA-3072 has 94 KB, more than the redeemer accepts in a handshake; that of sect571k1 is short enough.
const CHAINS = [
  // For comparison: what so many tokens cost without slow certificates. It has no limit.
  { what: 'a usual certificate' },
  { what: '70 CAs of RSA-3072', kind: 'rsa-3072-long-exponent', count: 70 },
  { what: '30 CAs of sect571k1', kind: 'k571', count: 30 },
];

/**
 * Measures how long an AccessToken takes until it is Ready, with the redeemer and its shipped limit of memory on the API server of
 * the tests: alone, and beside tokens of other namespaces that lead to a server with usual certificates, or with certificates that
 * are slow to verify. Throws if the redeemer does not connect to such a server, or if a token is not Ready within a minute.
 */
export async function measureSlowServers() {
  const { RedeemerCluster } = await import('../test/cluster/harness/redeemer-cluster.ts');
  const { shippedMemoryLimit } = await import('../test/cluster/harness/manifests.ts');
  const { createMemoryCgroup } = await import('../test/support/memory-cgroup.ts');
  const cgroup = createMemoryCgroup(shippedMemoryLimit('redeemer'));
  const at = await RedeemerCluster.open();
  try {
    const alone = await measureRound(at, cgroup);
    const usualRows = [];
    const slowRows = [];
    for (const chain of CHAINS) {
      const rows = chain.kind === undefined ? usualRows : slowRows;
      for (const size of HOSTILE) rows.push(rowOf(chain, size, await measureRound(at, cgroup, chain, size)));
    }
    const aloneRow = { what: 'alone', medianMs: median(alone), longestMs: Math.max(...alone) };
    const greatest = (figure) => Math.max(...slowRows.map((row) => row[figure])) / aloneRow[figure];
    return {
      tokenReady: [aloneRow, ...usualRows, ...slowRows],
      greatestMedianRatio: greatest('medianMs'),
      greatestLongestRatio: greatest('longestMs'),
      killed: cgroup.kills(),
    };
  } finally {
    await at.close();
    await cgroup.remove();
  }
}

/** Returns the times of honest tokens, one after the other, beside the hostile tokens if there are any. */
async function measureRound(at, cgroup, chain, size = { namespaces: 0, tokens: 0 }) {
  try {
    const honest = await at.namespace();
    const { token } = await at.issuing('linkgrant');
    await at.run({ cgroup });
    const timeOf = async (name) => {
      const startedAt = performance.now();
      await honest.put(tokenOf(token, name));
      await honest.waitForStatus('Ready', name);
      return performance.now() - startedAt;
    };
    await timeOf('warm-up');
    const hostile = chain && (await putHostileTokens(at, chain, size));
    const times = [];
    while (times.length < HONEST.tokens) {
      const [time] = await Promise.all([timeOf(`honest-${times.length}`), sleep(HONEST.everyMs)]);
      times.push(time);
    }
    if (hostile?.connections() === 0)
      throw new Error(`the redeemer did not connect to a server with ${chain.what}`);
    return times;
  } finally {
    await at.endTest();
  }
}

/** Creates tokens that lead to one server with such a chain, and returns that server. It does not redeem them. */
async function putHostileTokens(at, { kind, count }, { namespaces, tokens }) {
  const { slowIdentity } = await import('../test/support/slow-certificates.ts');
  const { serveHttps } = await import('../test/support/servers/hostile-server.ts');
  const options = kind === undefined ? {} : { identity: slowIdentity(kind, count) };
  const server = at.keep(await serveHttps((_request, _incoming, response) => response.end(), options));
  const places = await Promise.all(Array.from({ length: namespaces }, () => at.namespace()));
  const putAll = async (place) => {
    for (let number = 0; number < tokens; number += 1) {
      await place.put(tokenOf(server.token, `slow-${number}`));
    }
  };
  await Promise.all(places.map(putAll));
  return server;
}

/** A token of another grant of the same server. */
function tokenOf(token, name) {
  return { ...token, url: new URL(`/${randomUUID()}`, token.url).href, name };
}

function rowOf({ what }, { namespaces, tokens }, times) {
  return {
    what: `beside ${namespaces} x ${tokens}, ${what}`,
    medianMs: median(times),
    longestMs: Math.max(...times),
  };
}
