import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fillStore } from './filled-store.mjs';
import { PROGRAM, plainEnvironment, temporaryDirectory } from './servers.mjs';

const GRANTS = 1_000;
const REDEMPTIONS_EACH = 1_000;
// The comparison with a tenth of the grants shows whether memory grows with the ledger.
const FEW_GRANTS = 100;

/** Verifies a ledger with at least `redemptions` entries. Returns the number of its entries, the time and the peak memory. */
async function verify(directory, redemptions) {
  const start = performance.now();
  const words = ['ledger', 'verify', '-o', 'json', '--data-dir', directory];
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
  const ms = performance.now() - start;
  const { whole = false, entries = 0 } = code === 0 ? JSON.parse(output) : {};
  // The ledger also has an entry for the creation of each grant.
  if (!whole || entries < redemptions) throw new Error(`not verified: ${output}`);
  return { entries, ms, peakMiB };
}

async function measure(grants) {
  const { directory, remove } = temporaryDirectory();
  try {
    return await verify(directory, await fillStore(directory, { grants, redemptionsEach: REDEMPTIONS_EACH }));
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
