import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fillStore } from './filled-store.mjs';
import { endedProcessorTime } from './processor-time.mjs';
import { PROGRAM, plainEnvironment, temporaryDirectory } from './servers.mjs';

const GRANTS = 5;
const REDEMPTIONS_EACH = 10_000;
const RUNS = 10;
const FULL = 'full';
const EMPTY = 'empty';

/** Runs the program on a data directory. Returns its standard output. */
function linkgrant(directory, ...words) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [PROGRAM, ...words, '--data-dir', directory],
    { env: plainEnvironment(), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`linkgrant ${words.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** The number of entries of a CRL. Throws if OpenSSL refuses the CRL. */
function entriesOf(file, ca) {
  const words = ['crl', '-in', file, '-CAfile', ca, '-noout', '-text'];
  const { stdout, stderr } = spawnSync('openssl', words, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (!stderr.includes('verify OK')) throw new Error(`OpenSSL refuses the CRL: ${stderr}`);
  return stdout.split('Serial Number: ').length - 1;
}

/** The least time of ten creations of a CRL, because a busy machine delays some of them, and their mean processor time. */
function timesOfList(directory, issuer, file) {
  const times = [];
  const before = endedProcessorTime();
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    linkgrant(directory, 'issuer', 'crl', issuer, '--to', file);
    times.push(performance.now() - start);
  }
  return { ms: Math.min(...times), cpuMs: (endedProcessorTime() - before) / RUNS };
}

/** Measures the time of `issuer crl` for 10,000 entries and for none. */
export async function measureCrl() {
  const { directory, remove } = temporaryDirectory();
  try {
    for (const issuer of [FULL, EMPTY]) linkgrant(directory, 'issuer', 'create', issuer);
    const issuers = JSON.parse(linkgrant(directory, 'issuer', 'list', '-o', 'json'));
    const { sha256: issuerSha256 } = issuers.find(({ issuer }) => issuer === FULL);
    const filled = { grants: GRANTS, redemptionsEach: REDEMPTIONS_EACH, issuerSha256, revoked: 1 };
    const redemptions = await fillStore(directory, filled);
    const file = join(directory, 'list.pem');
    const full = timesOfList(directory, FULL, file);
    const entries = entriesOf(file, join(directory, 'issuers', FULL, 'tls.crt'));
    if (entries !== REDEMPTIONS_EACH) throw new Error(`the CRL has ${entries} entries`);
    const { size: bytes } = statSync(file);
    const empty = timesOfList(directory, EMPTY, join(directory, 'empty.pem'));
    return {
      entries,
      redemptions,
      crlMs: full.ms,
      crlCpuMs: full.cpuMs,
      emptyMs: empty.ms,
      emptyCpuMs: empty.cpuMs,
      bytes,
    };
  } finally {
    remove();
  }
}
