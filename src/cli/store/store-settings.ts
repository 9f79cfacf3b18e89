import { type LocalSettings, localSettingsFrom } from '../session/configuration.js';
import type { OutputFormat } from '../terminal/output-format.js';

/** The flags of a command on the store. */
export type StoreFlags = { readonly output?: OutputFormat } & Readonly<Record<string, unknown>>;

const NO_STORE = {
  reason: 'on kubernetes grants and redemptions are resources, and there is no store',
  hint: 'for the store of another service use --platform standalone; a backup of the cluster contains these resources',
};

/** Reads the settings. Throws a CommandError on kubernetes, where there is no store. */
export function storeSettingsFrom(flags: Readonly<Record<string, unknown>>): LocalSettings {
  return localSettingsFrom(flags, NO_STORE);
}
