import type { StoreUrl } from '../config/store-url.js';
import type { AccessGrant } from '../domain/access-grant.js';
import { actorOf } from '../domain/actor.js';
import { userName } from '../files/system-user.js';
import type { LedgerVerdict } from '../redemption/ports/ledger-store.js';
import { LedgerKeyFile } from '../stores/ledger-key.js';
import {
  type CopiedRows,
  copyTables,
  firstFilledTable,
  type TableSession,
} from '../stores/sql/copy-tables.js';
import { openGrants } from '../stores/sql/grant-reads.js';
import { revokeGrant } from '../stores/sql/grant-writes.js';
import type { WriteOperation } from '../stores/sql/group-commit.js';
import type { LedgerLoss } from '../stores/sql/ledger/rollback-check.js';
import { verifyLedger } from '../stores/sql/ledger/verify-ledger.js';
import { value } from '../stores/sql/operation.js';
import type { SqlDatabase } from '../stores/sql/sql-database.js';
import { StoreOpenError, StoreSchemaError } from '../stores/store-open-error.js';
import {
  ledgerKeyPath,
  type OpenContext,
  openDatabase,
  postgresTargetOf,
  type StoreLocation,
} from './open-store.js';

/** What a ledger lacks; `empty` if the store has no tables although this host has the key or the high-water mark of a ledger. */
export type StoreLoss = LedgerLoss | 'empty';

const NEWEST_ENTRY = 'SELECT at FROM events WHERE at IS NOT NULL ORDER BY position DESC LIMIT 1';

/** What the ledger of a store lacks, compared with the high-water mark of this host. */
interface FoundLoss {
  readonly lost: StoreLoss;
  /** If this host has no high-water mark of the ledger, the time of its newest entry in milliseconds since the epoch. */
  readonly unrecordedUntil?: number;
  /** The grants that can be redeemed now, unless it is known that nothing is lost. */
  readonly redeemable: readonly AccessGrant[];
}

/** Returns whether this host has the high-water mark of the ledger with this id. */
export function hasLedgerRecord(location: StoreLocation, ledgerId: string): boolean {
  return new LedgerKeyFile(ledgerKeyPath(location)).marks.find(ledgerId).length > 0;
}

/** Returns what the ledger of a store lacks. */
export async function findStoreLoss(location: StoreLocation, context: OpenContext): Promise<FoundLoss> {
  let database: SqlDatabase;
  try {
    database = await openDatabase(location, context, false);
  } catch (error) {
    const hasLedger = new LedgerKeyFile(ledgerKeyPath(location)).hasEvidenceOfLedger();
    if (!(error instanceof StoreSchemaError) || error.found !== 0 || !hasLedger) throw error;
    return { lost: 'empty', redeemable: [] };
  }
  try {
    const seen = await database.read((ledger) => ledger.highWaterMarks());
    const lost = await database.read((ledger) => ledger.loss(seen));
    if (lost === 0 && seen.length > 0) return { lost, redeemable: [] };
    const redeemable = await database.read(() => openGrants(context.clock()));
    if (lost !== 0) return { lost, redeemable };
    const newest = await database.read(() => value(NEWEST_ENTRY));
    return { lost, redeemable, unrecordedUntil: Number(newest ?? 0) };
  } finally {
    await database.close();
  }
}

/** Accepts a store as it is, creates its tables if it is empty, and revokes these grants in the same transaction. */
export async function acceptStore(
  location: StoreLocation,
  context: OpenContext,
  revoked: readonly AccessGrant[],
): Promise<void> {
  const isEmpty = (await findStoreLoss(location, context)).lost === 'empty';
  const database = await openDatabase(location, context, isEmpty, isEmpty ? 'empty' : 'restored');
  try {
    const accept: WriteOperation<void> = function* (write) {
      yield* write.ledger.accept(context.clock());
      for (const { uid } of revoked) yield* revokeGrant(uid, context.clock(), false)(write);
    };
    await database.write(accept, {}, actorOf('local', userName()));
    new LedgerKeyFile(ledgerKeyPath(location)).confirm();
  } finally {
    await database.close();
  }
}

/**
 * Copies a store into another one, which is created if it does not exist and must be empty, and verifies the ledger there.
 * If a store cannot be opened, rejects with StoreOpenError or LedgerKeyError and copies nothing.
 */
export async function copyStore(
  { dataDir }: StoreLocation,
  from: StoreUrl,
  to: StoreUrl,
  context: OpenContext & {
    /** Called with the current step, as text. */
    readonly onProgress: (step: string) => void;
  },
): Promise<{ readonly rows: CopiedRows; readonly verdict: LedgerVerdict }> {
  const { onProgress } = context;
  const source = await openDatabase({ store: from, dataDir }, context, false);
  // Rejects if the data directory lacks the source's key: the copy would get a new one.
  await source.read((ledger) => ledger.key()).finally(() => source.close());
  const target = await openDatabase({ store: to, dataDir }, context, true, 'empty');
  try {
    const rows = await copyAll(from, to, (copied) => onProgress(`Copying the store: ${copied} rows`));
    const verdict = await target.readSnapshot((ledger) =>
      verifyLedger(ledger, target.dialect, {
        onProgress: (checked, total) => onProgress(`Verifying the copy: ${checked} of ${total} entries`),
      }),
    );
    return { rows, verdict };
  } finally {
    await target.close();
  }
}

function copyAll(from: StoreUrl, to: StoreUrl, onProgress: (copied: number) => void): Promise<CopiedRows> {
  return withTables(from, false, (source) =>
    withTables(to, true, async (target) => {
      const filled = await target.run(firstFilledTable());
      if (filled === undefined) return copyTables(source, target, onProgress);
      throw new StoreOpenError(
        `the target store is not empty: it has ${filled}`,
        'pass an empty store as TO',
      );
    }),
  );
}

async function withTables<T>(
  store: StoreUrl,
  writes: boolean,
  work: (session: TableSession) => Promise<T>,
): Promise<T> {
  if (store.kind === 'postgres') {
    const { withPostgresTables } = await import('../stores/postgres/postgres-tables.js');
    return withPostgresTables(await postgresTargetOf(store), writes, work);
  }
  const { withSqliteTables } = await import('../stores/sqlite/sqlite-tables.js');
  return withSqliteTables(store.file, writes, work);
}
