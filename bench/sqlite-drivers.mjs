import { compareSides, ROUNDS, startSide } from './compare.mjs';
import { temporaryDirectory } from './servers.mjs';

const DRIVERS = ['node:sqlite', 'better-sqlite3'];

/** Compares a service with `node:sqlite` and one with better-sqlite3. Needs a version of Node that supports both. */
export async function measureSqliteDrivers({ driver, requests }) {
  const directories = DRIVERS.map(() => temporaryDirectory());
  const sides = [];
  try {
    for (const [at, name] of DRIVERS.entries())
      sides.push(await startSide(directories[at].directory, { env: { LINKGRANT_SQLITE: name } }));
    const [own, native] = await compareSides({ driver, sides, requests });
    return { requests: requests * ROUNDS, own, native, ownRatio: own.serverCpuMs / native.serverCpuMs };
  } finally {
    for (const { service } of sides) await service.stop();
    for (const { remove } of directories) remove();
  }
}
