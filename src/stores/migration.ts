import { change, type SqlOperation, setting, writeSetting } from './sql/operation.js';
import { StoreSchemaError } from './store-open-error.js';

/** A step from an empty database to the current schema. */
export interface Migration {
  /** The first release that has these tables. */
  readonly release: string;
  readonly statements: readonly string[];
}

// The key of a setting in the store: the release that created the newest tables.
const RELEASE = 'schema-release';

/** Throws StoreSchemaError unless the database has the wanted schema version; `where` names the database in the message. */
export function* requireVersion(
  where: string,
  versions: { readonly found: number; readonly wanted: number },
): SqlOperation<void> {
  const { found, wanted } = versions;
  if (found === wanted) return;
  let hint = 'start `linkgrant serve` once';
  if (found > wanted) {
    const release = (yield* setting(RELEASE)) ?? 'of the release that created it';
    hint = `install linkgrant ${release} or newer`;
  }
  throw new StoreSchemaError(where, versions, hint);
}

/** Runs the migrations in the open transaction, and records the release of each. */
export function* runMigrations(migrations: readonly Migration[]): SqlOperation<void> {
  for (const { release, statements } of migrations) {
    for (const sql of statements) yield* change(sql);
    yield* writeSetting(RELEASE, release);
  }
}
