import { compareSides, ROUNDS, startSide } from './compare.mjs';
import { temporaryDirectory } from './servers.mjs';

const DRIVERS = ['node:sqlite', 'better-sqlite3'];

/** Has a service with each SQLite driver redeem in turns: their processor time. Needs a Node that has both drivers. */
export async function measureSqliteDrivers({ driver, requests }) {
  const places = DRIVERS.map(() => temporaryDirectory());
  const sides = [];
  try {
    for (const [at, name] of DRIVERS.entries())
      sides.push(await startSide(places[at].directory, { env: { LINKGRANT_SQLITE: name } }));
    const [own, native] = await compareSides({ driver, sides, requests });
    return { requests: requests * ROUNDS, own, native, ownRatio: own.serverCpuMs / native.serverCpuMs };
  } finally {
    for (const { service } of sides) await service.stop();
    for (const { remove } of places) remove();
  }
}
