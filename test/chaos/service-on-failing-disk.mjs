// Runs a service whose store is on a small file system, which becomes full, then read-only, then writable again. Must run in its
// own mount namespace (unshare --mount). Prints the responses as JSON.
//   node service-on-failing-disk.mjs DIRECTORY PROCESSES
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { generateKey, readPrivateKey } from '../../dist/pki/keys.js';
import { createCertificateRequest } from '../../dist/pki/requests.js';

const [, , directory, workers] = process.argv;
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const disk = join(directory, 'disk');
const filler = join(disk, 'filler');
const data = ['--data-dir', join(directory, 'data'), '--store', `sqlite:${join(disk, 'linkgrant.db')}`];

mkdirSync(disk);
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);

const words = ['--listen', '127.0.0.1:0', '--ops-listen', 'off', '--log-level', 'silent'];
const service = spawn(
  process.execPath,
  [main, 'serve', ...data, ...words, '--workers', workers, '--endpoint', 'edge=router.example.com:45671'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
process.on('exit', () => service.kill('SIGKILL'));
await new Promise((resolve) =>
  service.stdout.setEncoding('utf8').on('data', (text) => text.includes('Next:') && resolve()),
);

const file = join(directory, 'token.yaml');
const limits = ['--redemptions-allowed', '200', '--name', 'west'];
execFileSync(process.execPath, [main, 'token', 'issue', file, ...data, ...limits], { stdio: 'ignore' });
const token = parse(readFileSync(file, 'utf8')).spec;

/** Posts the code with a key of its own. */
async function redeem() {
  const csr = Buffer.from(
    createCertificateRequest(readPrivateKey((await generateKey('p256')).keyPem), 'west'),
  ).toString('base64');
  const answer = await new Promise((resolve, reject) => {
    const request = https.request(
      token.url,
      { method: 'POST', ca: token.ca, headers: { csr }, agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => (body += text));
        response.on('end', () => resolve({ response, body }));
      },
    );
    request.on('error', reject);
    request.end(token.code);
  });
  const { statusCode, headers } = answer.response;
  if (statusCode === 200) return 200;
  return { status: statusCode, text: answer.body.trim(), retryAfter: Number(headers['retry-after']) > 0 };
}

function counted() {
  const [grant] = JSON.parse(execFileSync(process.execPath, [main, 'grant', 'list', '-o', 'json', ...data]));
  const redemptions = JSON.parse(
    execFileSync(process.execPath, [main, 'redemption', 'list', '-o', 'json', ...data]),
  );
  return [grant.redemptions, redemptions.length];
}

function fill() {
  for (const size of [65_536, 4_096, 512, 1]) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
  }
}

/** Redeems ten times at once, so that each worker gets requests. Returns the different responses. */
async function redeemSome() {
  const some = await Promise.all(Array.from({ length: 10 }, redeem));
  return [...new Map(some.map((answer) => [JSON.stringify(answer), answer])).values()];
}

/** Renames the store's file for a while, then makes the disk read-only for a while. */
async function makeDiskUnusable() {
  // The kernel refuses to remount a disk read-only while a file is open for writing; the store closes a missing file.
  const store = join(disk, 'linkgrant.db');
  renameSync(store, `${store}.away`);
  answers.gone = await redeem();
  renameSync(`${store}.away`, store);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  answers.readOnly = await redeem();
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  answers.writable = await redeem();
  answers.countedAtLast = counted().map((count) => count - fitted);
}

const answers = { before: await redeem() };
fill();
// Redemptions succeed while the write-ahead log has room; then the disk is full.
let fitted = 0;
let answer = await redeem();
while (answer === 200 && fitted < 90) {
  fitted += 1;
  answer = await redeem();
}
answers.full = answer;
answers.stillFull = await redeemSome();
rmSync(filler);
answers.freed = await redeemSome();
answers.countedThen = counted().map((count) => count - fitted);
if (workers === '1') await makeDiskUnusable();

service.kill('SIGTERM');
await new Promise((resolve) => service.once('exit', resolve));
execFileSync('umount', [disk]);
process.stdout.write(JSON.stringify(answers));
