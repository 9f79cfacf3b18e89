import type { AccessGrant } from './domain/access-grant.js';
import { type OpenContext, openDatabase, placeOf } from './open-store.js';
import type { LedgerVerdict } from './redemption/ledger-store.js';
import type { Settings } from './setting-schemas.js';
import type { StorePlace } from './store-place.js';
import { type CopiedRows, copyTables, filledTable, type TableSession } from './stores/sql/copy-tables.js';
import { revokeGrant } from './stores/sql/grant-writes.js';
import { openGrants } from './stores/sql/open-grants.js';
import { verifyLedger } from './stores/sql/verify-ledger.js';
import { StoreOpenError } from './stores/store-open-error.js';

type Place = Pick<Settings, 'store' | 'dataDir'>;

/** What this host's notes say of a store: how many entries it lacks, and which grants in it can be redeemed now. */
export async function storeAge(
  place: Place,
  context: OpenContext,
): Promise<{ readonly lost: number; readonly open: readonly AccessGrant[] }> {
  const database = await openDatabase(place, context, false);
  try {
    const lost = await database.read((ledger) => ledger.age.lost());
    return { lost, open: lost === 0 ? [] : await database.read(() => openGrants(context.clock())) };
  } finally {
    await database.close();
  }
}

/** Notes that a store was put back knowingly, and revokes these grants in the same act. */
export async function acceptPutBack(
  place: Place,
  context: OpenContext,
  revoked: readonly AccessGrant[],
): Promise<void> {
  const database = await openDatabase(place, context, false);
  try {
    await database.write(function* (write) {
      yield* write.ledger.age.accept();
      for (const { uid } of revoked) yield* revokeGrant(uid, context.clock(), false)(write);
    });
  } finally {
    await database.close();
  }
}

/**
 * Copies everything of one store into another one, which is made if it is not there and must be empty, and verifies the
 * ledger there. Rejects with StoreOpenError and LedgerKeyError as opening does; nothing was copied then.
 */
export async function copyStore(
  { dataDir }: Place,
  from: StorePlace,
  to: StorePlace,
  context: OpenContext,
): Promise<{ readonly rows: CopiedRows; readonly verdict: LedgerVerdict }> {
  const source = await openDatabase({ store: from, dataDir }, context, false);
  // A wrong data directory would give the copy a key of its own.
  await source.read((ledger) => ledger.key()).finally(() => source.close());
  const target = await openDatabase({ store: to, dataDir }, context, true);
  try {
    const rows = await copyAll(from, to);
    const verdict = await target.readAtOnce((ledger) => verifyLedger(ledger));
    return { rows, verdict };
  } finally {
    await target.close();
  }
}

async function copyAll(from: StorePlace, to: StorePlace): Promise<CopiedRows> {
  const source = await openTables(from, false);
  try {
    const target = await openTables(to, true);
    let isDone = false;
    try {
      const filled = await target.run(filledTable());
      if (filled !== undefined) {
        throw new StoreOpenError(
          `the store that is to be copied to has ${filled} already`,
          'name an empty one',
        );
      }
      const rows = await copyTables(source, target);
      isDone = true;
      return rows;
    } finally {
      await target.close(isDone);
    }
  } finally {
    await source.close(false);
  }
}

async function openTables(store: StorePlace, writes: boolean): Promise<TableSession> {
  if (store.kind === 'postgres') {
    const { openPostgresTables } = await import('./stores/postgres/postgres-tables.js');
    return openPostgresTables(await placeOf(store), writes);
  }
  const { openSqliteTables } = await import('./stores/sqlite/sqlite-tables.js');
  return openSqliteTables(store.file, writes);
}
