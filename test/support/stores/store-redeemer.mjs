// A process that opens the store of its argument, sends `ready` to its parent, and runs each list of tasks that it receives. It
// ends after a message without tasks.
// Built code is imported, because plain Node runs this.
import { randomBytes, randomUUID } from 'node:crypto';
import { sqlGrantStore } from '../../../dist/stores/sql/sql-grant-store.js';
import { openSqliteDatabase } from '../../../dist/stores/sqlite/sqlite-store.js';

const { module, exportName, options, dieAt } = JSON.parse(process.argv[2]);
const checkpoint = (name) => {
  if (name === dieAt) process.kill(process.pid, 'SIGKILL');
};
let store;

const openSqliteStore = async ({ clock, ...others }) =>
  sqlGrantStore(await openSqliteDatabase(others), clock);

async function openStore() {
  // In the single executable of the tests, only the SQLite store is available: an executable cannot import other modules.
  const open = module === undefined ? openSqliteStore : (await import(module))[exportName];
  store = await open({ ...options, clock: Date.now, checkpoint });
}

/** Returns `recorded ID`, `replay ID`, `refused CODE` or `failed CODE`. */
async function redeem({ uid, replayKey, id = randomUUID(), code }, template, now) {
  const fresh = {
    id,
    replayKey: replayKey ?? randomBytes(32).toString('hex'),
    serial: randomBytes(16).toString('hex'),
  };
  try {
    const redemption = { ...template, ...fresh, grantUid: uid, jti: code?.jti ?? null };
    const outcome = await store.recordRedemption(uid, redemption, now, { signedCode: code });
    if (outcome === 'recorded') return `recorded ${id}`;
    return 'replayOf' in outcome ? `replay ${outcome.replayOf.id}` : `refused ${outcome.refused}`;
  } catch (error) {
    return `failed ${error.code}`;
  }
}

process.on('message', async ({ tasks, template, now, atOnce }) => {
  if (!tasks) {
    await store.close();
    process.disconnect();
    return;
  }
  const outcomes = tasks.map(() => []);
  let next = 0;
  const work = async () => {
    while (next < tasks.length) {
      const index = next++;
      const task = tasks[index];
      const times = Array.from({ length: task.times }, () => redeem(task, template, now));
      outcomes[index] = await Promise.all(times);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  process.send({ outcomes });
});
void openStore().then(() => process.send({ ready: true }));
