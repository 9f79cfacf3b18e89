import { dirname, join } from 'node:path';
import { makePrivateDirectory } from './files/private-file.js';
import type { Checkpoint, Clock } from './redemption/clock.js';
import type { GrantStore } from './redemption/grant-store.js';
import type { Settings } from './setting-schemas.js';

/** Opens the configured store. With `migrate` a missing or older schema is brought up to date first. */
export async function openStore(
  settings: Settings,
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
  migrate: boolean,
): Promise<GrantStore> {
  const { openSqliteStore } = await import('./stores/sqlite/sqlite-store.js');
  const file = settings.store ?? join(settings.dataDir, 'linkgrant.db');
  if (migrate) makePrivateDirectory(dirname(file));
  const { clock, checkpoint } = context;
  const ledgerKeyFile = join(settings.dataDir, 'ledger.key');
  return openSqliteStore({ file, migrate, clock, checkpoint, ledgerKeyFile });
}
