import { openDatabase } from '../../compose/open-store.js';
import { commandContext } from '../../config/command-context.js';
import { print } from '../terminal/output.js';
import { type StoreFlags, storeSettingsFrom } from './store-settings.js';

/** `store migrate`: creates or upgrades the tables of the store. */
export async function storeMigrateCommand({ output, ...flags }: StoreFlags): Promise<void> {
  const settings = storeSettingsFrom(flags);
  // Also before a restored store is accepted: `store restored` needs the tables of this release.
  const database = await openDatabase(settings, commandContext(), true, 'restored');
  await database.close();
  await print(output, { migrated: true }, () => 'The store has the tables of this release.\n');
}
