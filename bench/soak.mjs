import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshCertificateRequest, makeGrants } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';
import { median } from './statistics.mjs';

const CLIENTS = 32;
const CHUNK = 2_000;
const SAMPLES = 50;
// After this share of the run, caches are filled and code is optimized.
const WARM_UP_SHARE = 0.1;
const SETTLE_MS = 2_000;

const COLLECT = new URL('./collect-garbage.mjs', import.meta.url).href;
const COLLECT_MS = 10_000;

/** The resident memory of the service after a garbage collection. */
async function residentMiB(pid, markerFile) {
  rmSync(markerFile, { force: true });
  process.kill(pid, 'SIGUSR2');
  const until = performance.now() + COLLECT_MS;
  while (!existsSync(markerFile)) {
    if (performance.now() > until) throw new Error('the service does not collect its garbage');
    await sleep(20);
  }
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kib) / 1024;
}

const openFiles = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** The slope of `value` over `at`, by the method of least squares. */
function slopeOf(points) {
  const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [at, value] = [mean((point) => point.at), mean((point) => point.value)];
  const rise = points.reduce((sum, point) => sum + (point.at - at) * (point.value - value), 0);
  return rise / points.reduce((sum, point) => sum + (point.at - at) ** 2, 0);
}

/**
 * The requests of one chunk, all to one grant. Of 20 requests, 17 redeem with a CSR, one redeems without a CSR, one is a check
 * and one has a wrong code.
 */
function chunkOf({ uid, code }, chunk, certificateRequests) {
  return certificateRequests.map((csr, at) => {
    const kind = at % 20;
    const path = kind === 0 ? `/${uid}/-/check` : `/${uid}`;
    const site = `site-${chunk}-${at}`;
    const body = kind === 1 ? 'x'.repeat(code.length) : code;
    const lines = [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', `content-length: ${body.length}`];
    lines.push(`name: ${site}`, `subject: ${site}`);
    if (kind !== 2) lines.push(`csr: ${csr}`);
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  });
}

/**
 * Sends redemptions, with checks and wrong codes among them, to one service. Returns the growth of its memory, the number of
 * files that it left open, and the change of latency.
 */
export async function measureSoak({ driver, soakRequests }) {
  const { directory, remove } = temporaryDirectory();
  const markerFile = join(directory, 'collected');
  const env = { NODE_OPTIONS: `--import ${COLLECT}`, BENCH_COLLECTED: markerFile };
  const service = await startService(directory, [], env);
  try {
    const chunks = Math.ceil(soakRequests / (CHUNK * 0.9));
    const { grants, ca } = await makeGrants(directory, { count: chunks });
    const certificateRequests = [];
    for (let number = 0; number < CHUNK; number++)
      certificateRequests.push(await freshCertificateRequest('soak'));
    const filesBefore = openFiles(service.pid);
    const measured = [];
    const memory = [];
    let redeemed = 0;
    for (const [chunk, grant] of grants.entries()) {
      const requests = chunkOf(grant, chunk, certificateRequests);
      const { outcomes, p50Ms, p99Ms } = await driver.run({
        port: service.port,
        ca,
        clients: CLIENTS,
        requests,
      });
      if (outcomes['200'] !== CHUNK * 0.95 || outcomes['403'] !== CHUNK * 0.05)
        throw new Error(`not answered as expected: ${JSON.stringify(outcomes)}`);
      redeemed += CHUNK * 0.9;
      measured.push({ p50Ms, p99Ms });
      if (chunk % Math.ceil(chunks / SAMPLES) > 0) continue;
      const value = await residentMiB(service.pid, markerFile);
      memory.push({ at: redeemed, value });
      process.stderr.write(`bench: soak ${redeemed}, ${value.toFixed(0)} MiB, p50 ${p50Ms.toFixed(1)} ms\n`);
    }
    const afterWarmUp = (all) => all.slice(Math.ceil(all.length * WARM_UP_SHARE));
    const [steady, settled] = [measured, memory].map(afterWarmUp);
    const third = Math.ceil(steady.length / 3);
    const [first, last] = [steady.slice(0, third), steady.slice(-third)];
    const p50Of = (part) => median(part.map(({ p50Ms }) => p50Ms));
    await sleep(SETTLE_MS);
    return {
      soakRedemptions: redeemed,
      steadyMiB: settled[0].value,
      endMiB: settled.at(-1).value,
      grownMiBPer100k: slopeOf(settled) * 100_000,
      filesLeftOpen: openFiles(service.pid) - filesBefore,
      firstP50Ms: p50Of(first),
      lastP50Ms: p50Of(last),
      p50Growth: p50Of(last) / p50Of(first),
      firstP99Ms: median(first.map(({ p99Ms }) => p99Ms)),
      lastP99Ms: median(last.map(({ p99Ms }) => p99Ms)),
    };
  } finally {
    await service.stop();
    remove();
  }
}
