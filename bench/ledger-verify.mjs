import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteStore } from '../dist/stores/sqlite/sqlite-store.js';
import { PROGRAM, plainEnvironment, temporaryDirectory } from './servers.mjs';

const GRANTS = 1_000;
const REDEMPTIONS_EACH = 1_000;
// A tenth of them tells whether memory grows with the ledger.
const FEW_GRANTS = 100;
const AT_ONCE = 256;
const DAY_MS = 86_400_000;

const hex = (bytes) => randomBytes(bytes).toString('hex');
const PEM_LINES = Array.from({ length: 16 }, () => randomBytes(48).toString('base64'));
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${PEM_LINES.join('\n')}\n-----END CERTIFICATE-----\n`;

function grantOf(now) {
  const uid = randomUUID();
  return {
    uid,
    namespace: 'default',
    name: `bench-${uid}`,
    codeHash: new Uint8Array(32),
    codeChosen: false,
    redemptionsAllowed: REDEMPTIONS_EACH,
    redemptions: 0,
    expirationWindowMs: DAY_MS,
    expirationTime: now + DAY_MS,
    issuer: null,
    policy: {},
    siteUid: null,
    createdAt: now,
    readyAt: now,
    revokedAt: null,
    sourceFile: null,
  };
}

function redemptionOf(grant, number, now) {
  return {
    id: randomUUID(),
    grantUid: grant.uid,
    namespace: grant.namespace,
    issuer: grant.issuer,
    replayKey: hex(32),
    mode: 'csr',
    name: `link-${number}`,
    subject: `site-${number}`,
    peer: '192.0.2.7',
    jti: null,
    serial: hex(16),
    keySha256: hex(32),
    certificateSha256: hex(32),
    issuerSha256: hex(32),
    notAfter: now + 30 * DAY_MS,
    certificate: CERTIFICATE,
    policy: {},
    siteUid: null,
    sealedAnswer: null,
    sealedUntil: null,
    createdAt: now,
    revokedAt: null,
  };
}

/** Fills a ledger through the store as a service would, going round the grants. */
async function fill(directory, grantCount) {
  const clock = Date.now;
  const store = await openSqliteStore({ file: join(directory, 'linkgrant.db'), migrate: true, clock });
  try {
    const now = clock();
    const grants = Array.from({ length: grantCount }, () => grantOf(now));
    await Promise.all(grants.map((grant) => store.createGrant(grant)));
    const total = grantCount * REDEMPTIONS_EACH;
    for (let made = 0; made < total; made += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, total - made) }, (_, index) => {
        const grant = grants[(made + index) % grantCount];
        return store.recordRedemption(grant.uid, redemptionOf(grant, made + index, now), now);
      });
      const outcomes = await Promise.all(batch);
      if (outcomes.some((outcome) => outcome !== 'recorded'))
        throw new Error('a redemption was not recorded');
    }
    return total;
  } finally {
    await store.close();
  }
}

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
    const entries = await fill(directory, grants);
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
