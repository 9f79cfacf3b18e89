import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fillStore } from './filled-store.mjs';
import { PROGRAM, plainEnvironment, temporaryDirectory } from './servers.mjs';

const GRANTS = 1_000;
const REDEMPTIONS_EACH = 1_000;
// The comparison with a tenth of the grants shows whether memory grows with the ledger.
const FEW_GRANTS = 100;

/** Runs `redemption list --verify`. Returns its time and its peak memory. */
async function verify(directory, entries) {
  const start = performance.now();
  const words = ['redemption', 'list', '--verify', '--data-dir', directory];
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: plainEnvironment() });
  let output = '';
  let peakMiB = 0;
  child.stdout.on('data', (text) => {
    output += text;
  });
  const watch = setInterval(() => {
    try {
      const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peakMiB = Math.max(peakMiB, Number(kib ?? 0) / 1024);
    } catch {
      // The process has just ended.
    }
  }, 20);
  const [code] = await once(child, 'close');
  clearInterval(watch);
  if (code !== 0 || !output.includes(`whole: ${entries} entries`)) throw new Error(`not verified: ${output}`);
  return { ms: performance.now() - start, peakMiB };
}

async function measure(grants) {
  const { directory, remove } = temporaryDirectory();
  try {
    const entries = await fillStore(directory, { grants, redemptionsEach: REDEMPTIONS_EACH });
    return { entries, ...(await verify(directory, entries)) };
  } finally {
    remove();
  }
}

/** Measures time and memory to verify a ledger of 1,000,000 redemptions, and the growth of memory from a tenth of it. */
export async function measureLedgerVerify() {
  const few = await measure(FEW_GRANTS);
  const all = await measure(GRANTS);
  return {
    entries: all.entries,
    verifyMs: all.ms,
    peakMiB: all.peakMiB,
    fewEntries: few.entries,
    fewVerifyMs: few.ms,
    grownMiB: all.peakMiB - few.peakMiB,
  };
}
