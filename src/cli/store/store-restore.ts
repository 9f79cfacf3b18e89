import { restore } from '../../compose/store-backup.js';
import { commandContext } from '../../config/command-context.js';
import { loadConfiguration } from '../../config/config.js';
import { SETTINGS, type SettingDefinition, type SettingKey } from '../../config/settings.js';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { operand, shellWord } from '../../domain/shell-words.js';
import { localSettingsFrom } from '../session/configuration.js';
import { CommandError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { databaseUrl, IN_CLUSTER, untilShutdown } from './store-backup.js';
import { acceptRestored, type RestoredChoice, refuseBothChoices, restoredText } from './store-restored.js';
import type { StoreFlags } from './store-settings.js';

/** `store restore FILE`: writes what a backup contains into a data directory, and accepts the store as `store restored` does. */
export async function restoreCommand(
  file: string,
  { output, revoke, keep, ...flags }: StoreFlags & RestoredChoice,
): Promise<void> {
  refuseBothChoices({ revoke, keep });
  const settings = localSettingsFrom(flags, IN_CLUSTER);
  const files = await withProgress('Restoring', () =>
    untilShutdown((stop) => restore(settings, file, commandContext().clock, stop)),
  );
  const named = placesInFile(settings.dataDir);
  const restored = [
    `Restored ${file} into ${settings.dataDir}.`,
    ...(named.length > 0 ? ['Its config.yaml names these files and hosts, which the service uses:'] : []),
    ...named.map((place) => `  ${place}`),
  ].join('\n');
  if (settings.store?.kind === 'postgres') {
    await print(output, { files, named }, () =>
      [
        restored,
        'Next: restore the PostgreSQL database, accept it, then start the service:',
        `  pg_restore -c -d ${databaseUrl(flags)} ${shellWord(operand(`${file}.dump`))}`,
        `  ${completeCommand('linkgrant store restored', flags)}`,
        '',
      ].join('\n'),
    );
    return;
  }
  const report = await acceptRestored(settings, { revoke, keep }).catch((error: unknown) => {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`the backup is restored, but ${error.message}`, {
      exitCode: error.exitCode,
      hint: 'run `linkgrant store restored` with --revoke to revoke these grants, or with --keep to leave them redeemable',
      cause: error,
    });
  });
  await print(
    output,
    { files, named, ...report },
    () => `${restored}\n${restoredText(report)}Next: start the service.\n`,
  );
}

/** Returns the settings in the configuration file of a data directory that name files, directories, hosts or URLs. */
function placesInFile(dataDir: string): string[] {
  try {
    const { maskedValues, sources } = loadConfiguration({ dataDir }, {});
    const keys = (Object.keys(SETTINGS) as SettingKey[]).filter((key) => {
      const { placeholder = '' }: SettingDefinition = SETTINGS[key];
      return sources[key].startsWith('file ') && /FILE|DIR|URL|HOST/.test(placeholder);
    });
    return keys.map((key) => `${key}: ${JSON.stringify(maskedValues[key])}`);
  } catch (error) {
    if (error instanceof ConfigurationError) return [error.message];
    throw error;
  }
}
