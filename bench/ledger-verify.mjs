import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fillStore } from './filled-store.mjs';
import { PROGRAM, plainEnvironment, temporaryDirectory } from './servers.mjs';

const GRANTS = 1_000;
const REDEMPTIONS_EACH = 1_000;
// A tenth of them shows whether memory grows with the ledger.
const FEW_GRANTS = 100;

/** Runs `redemption list --verify`; how long it took and how much memory it had at most. */
async function verify(directory, entries) {
  const start = performance.now();
  const words = ['redemption', 'list', '--verify', '--data-dir', directory];
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: plainEnvironment() });
  let said = '';
  let peakMiB = 0;
  child.stdout.on('data', (text) => {
    said += text;
  });
  const watch = setInterval(() => {
    try {
      const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peakMiB = Math.max(peakMiB, Number(kib ?? 0) / 1024);
    } catch {
      // It has just ended.
    }
  }, 20);
  const [code] = await once(child, 'close');
  clearInterval(watch);
  if (code !== 0 || !said.includes(`whole: ${entries} entries`)) throw new Error(`not verified: ${said}`);
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

/** Time and memory to verify a ledger of 1,000,000 redemptions, and what of the memory comes with their number. */
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
