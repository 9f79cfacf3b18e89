// A process with a small disk of its own (a tmpfs in a mount namespace, so it must be started by unshare(1)), which
// fills it and makes it read-only under an open store. Prints as JSON what the store answered at each step.
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sqlGrantStore } from '../../../dist/stores/sql/sql-grant-store.js';
import { openSqliteDatabase } from '../../../dist/stores/sqlite/sqlite-store.js';

const { directory, grant, template } = JSON.parse(process.argv[2]);
const mount = (...options) => execFileSync('mount', [...options, directory]);
mount('-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs');
const file = join(directory, 'linkgrant.db');
const database = await openSqliteDatabase({ file, migrate: true, deadlineMs: 2_000 });
const store = sqlGrantStore(database, Date.now);
await store.createGrant({ ...grant, codeHash: Buffer.from(grant.codeHash) });

async function redeem(id = randomUUID()) {
  const replayKey = randomBytes(16).toString('hex');
  try {
    const redemption = { ...template, id, replayKey };
    return JSON.stringify(await store.recordRedemption(grant.uid, redemption, grant.createdAt));
  } catch (error) {
    return error.code;
  }
}
const probe = () =>
  store.probe().then(
    () => 'writable',
    (error) => error.code,
  );
const counted = async () => [
  (await store.findGrant(grant.uid)).redemptions,
  (await store.listRedemptions({ limit: 1000 })).items.length,
];

const answers = { before: await redeem() };

// Full: redemptions succeed while the write-ahead log has room, then they fail.
const ballast = join(directory, 'ballast');
try {
  writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
} catch {
  // Expected: the file is larger than the disk.
}
let fitted = 0;
let outcome = await redeem();
while (outcome === '"recorded"' && fitted < 1_000) {
  fitted++;
  outcome = await redeem();
}
answers.full = { redeem: outcome, again: await redeem(), probe: await probe(), counted: await counted() };
answers.fitted = fitted;
rmSync(ballast);
answers.freed = { redeem: await redeem(), probe: await probe(), counted: await counted() };

// Gone, then read-only. An open file would prevent the remount, and the store closes its file when it is missing.
renameSync(file, `${file}.away`);
answers.gone = { redeem: await redeem(), probe: await probe() };
renameSync(`${file}.away`, file);
mount('-o', 'remount,ro');
answers.readOnly = { redeem: await redeem(), probe: await probe() };
mount('-o', 'remount,rw');
answers.writable = { redeem: await redeem(), probe: await probe(), counted: await counted() };

await store.close();
process.stdout.write(JSON.stringify(answers));
