import { shellWord } from '../../domain/shell-words.js';
import { configurationFrom, type LocalSettings, localSettingsFrom } from '../session/configuration.js';
import type { OutputFormat } from '../terminal/output-format.js';

/** The flags of a command on the store. */
export type StoreFlags = { readonly output?: OutputFormat } & Readonly<Record<string, unknown>>;

const NO_STORE = {
  reason: 'on kubernetes grants and redemptions are resources, and there is no store',
  hint: 'for the store of another service use --platform standalone; a backup of the cluster contains these resources',
};

const NO_BACKUP = {
  reason: 'on kubernetes grants and redemptions are resources, and there is no store to back up',
  hint: 'save the AccessGrants, the Redemptions and the Secrets of the service with a backup of the cluster; see docs/how-to/back-up-and-restore.md',
};

/** Reads the settings. Throws a CommandError on kubernetes, where there is no store. */
export function storeSettingsFrom(flags: Readonly<Record<string, unknown>>): LocalSettings {
  return localSettingsFrom(flags, NO_STORE);
}

/** Reads the settings of a command on a backup. Throws a CommandError on kubernetes, where a backup of the cluster is needed. */
export function backupSettingsFrom(flags: Readonly<Record<string, unknown>>): LocalSettings {
  return localSettingsFrom(flags, NO_BACKUP);
}

/** Returns the URL of a PostgreSQL store, quoted for a shell. */
export function databaseUrl(flags: Readonly<Record<string, unknown>>): string {
  return shellWord(String(configurationFrom(flags).maskedValues.store));
}
