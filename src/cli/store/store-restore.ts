import { restore } from '../../compose/back-up.js';
import { hasLedgerRecord } from '../../compose/store-tools.js';
import { commandContext } from '../../config/command-context.js';
import { maskedFileSettings } from '../../config/config.js';
import { SETTINGS, type SettingDefinition } from '../../config/settings.js';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { operand, shellWord } from '../../domain/shell-words.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import { withProgress } from '../terminal/progress.js';
import { completeCommand } from '../terminal/suggested-command.js';
import {
  acceptRestored,
  KEEP_IF_STOPPED,
  type RestoredChoice,
  refuseBothChoices,
  restoredText,
} from './store-restored.js';
import { backupSettingsFrom, databaseUrl, type StoreFlags } from './store-settings.js';
import { untilShutdown } from './until-shutdown.js';

/** `store restore FILE`: writes the files of a backup into a data directory, and accepts the store as `store restored` does. */
export async function storeRestoreCommand(
  file: string,
  { output, revoke, keep, ...flags }: StoreFlags & RestoredChoice,
): Promise<void> {
  refuseBothChoices({ revoke, keep });
  const settings = backupSettingsFrom(flags);
  const checkLedger = (ledgerId: string) => {
    if (revoke || keep || hasLedgerRecord(settings, ledgerId)) return;
    throw usageError(
      `${settings.dataDir} has no record of the ledger of the backup, so it is unknown what the backup lacks; nothing was restored`,
      KEEP_IF_STOPPED,
    );
  };
  const { clock } = commandContext();
  const files = await withProgress('Restoring', () =>
    untilShutdown((stop) => restore(settings, file, { clock, checkLedger }, stop)),
  );
  const places = readNamedPlaces(settings.dataDir);
  const restored = [`Restored ${file} into ${settings.dataDir}.\n`, ...namedPlaceLines(places)].join('');
  if (settings.store?.kind === 'postgres') {
    await print(output, { files, ...places }, () =>
      [
        `${restored}Next: restore the PostgreSQL database, accept it, then start the service:`,
        `  pg_restore -c -d ${databaseUrl(flags)} ${shellWord(operand(`${file}.dump`))}`,
        `  ${completeCommand('linkgrant store restored', flags)}`,
        '',
      ].join('\n'),
    );
    return;
  }
  const report = await acceptRestored(settings, { revoke, keep }).catch(async (error: unknown) => {
    await print(output, { files, ...places }, () => restored);
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`the backup is restored, but ${error.message}`, {
      exitCode: error.exitCode,
      hint: 'run `linkgrant store restored` with --revoke to revoke these grants, or with --keep to leave them redeemable',
      cause: error,
    });
  });
  await print(
    output,
    { files, ...places, ...report },
    () => `${restored}${restoredText(report)}Next: start the service.\n`,
  );
}

/** The places that a restored configuration file names. The operator checks them before the start of the service. */
interface NamedPlaces {
  /** The settings that name files, directories, hosts or URLs, by their keys. */
  readonly named: Readonly<Record<string, unknown>>;
  /** Why the file cannot be used, as a sentence. */
  readonly configError?: string;
}

function readNamedPlaces(dataDir: string): NamedPlaces {
  try {
    const settings = [...maskedFileSettings(dataDir)].filter(([key]) => {
      const { placeholder = '' }: SettingDefinition = SETTINGS[key];
      return /FILE|DIR|URL|HOST/.test(placeholder);
    });
    return { named: Object.fromEntries(settings) };
  } catch (error) {
    if (error instanceof ConfigurationError) return { named: {}, configError: error.message };
    throw error;
  }
}

function namedPlaceLines({ named, configError }: NamedPlaces): string[] {
  if (configError !== undefined) return [plain`Correct its config.yaml: ${configError}\n`];
  const lines = Object.entries(named).map(([key, value]) => plain`  ${key}: ${JSON.stringify(value)}\n`);
  if (lines.length === 0) return [];
  return ['Its config.yaml names these files and hosts, which the service uses:\n', ...lines];
}
