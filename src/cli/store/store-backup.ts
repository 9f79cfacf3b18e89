import { backUp, restore } from '../../compose/store-backup.js';
import { commandContext } from '../../config/command-context.js';
import { loadConfiguration } from '../../config/config.js';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import { SETTINGS, type SettingDefinition, type SettingKey } from '../../config/settings.js';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { operand, shellWord } from '../../domain/shell-words.js';
import { configurationFrom, type LocalSettings, localSettingsFrom } from '../session/configuration.js';
import { CommandError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { withProgress } from '../terminal/progress.js';
import { withShutdownSignal } from '../terminal/shutdown-signal.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { acceptRestored, type RestoredChoice, refuseBothChoices, restoredText } from './store.js';

type BackupFlags = { readonly output?: OutputFormat } & Readonly<Record<string, unknown>>;

const IN_CLUSTER = {
  reason: 'on kubernetes grants and redemptions are resources, and there is no store to back up',
  hint: 'save the AccessGrants, the Redemptions and the Secrets of the service with a backup of the cluster; see docs/how-to/back-up-and-restore.md',
};

/** `store backup FILE`: writes the store, the keys, the CAs and the configuration file to one private file. */
export async function backupCommand(file: string, { output, ...flags }: BackupFlags): Promise<void> {
  const settings = localSettingsFrom(flags, IN_CLUSTER);
  const files = await withProgress('Backing up', () =>
    untilShutdown((stop) => backUp(settings, file, commandContext(), stop)),
  );
  const others = filesElsewhere(settings, flags.config);
  const report = { file, store: settings.store?.kind ?? 'sqlite', files, notSaved: others };
  await print(output, report, () =>
    [
      `Wrote ${file}, which contains private keys: store it encrypted.`,
      'To move the service with it, stop the service before the backup: later redemptions and revocations are not in it.',
      ...(settings.store?.kind === 'postgres'
        ? [
            'It does not contain the PostgreSQL database. Save the database too:',
            `  pg_dump -Fc -n linkgrant -f ${shellWord(`${file}.dump`)} ${databaseUrl(flags)}`,
          ]
        : []),
      ...(others.length > 0 ? [`Not saved, because they are elsewhere: ${others.join(', ')}`] : []),
      '',
    ].join('\n'),
  );
}

/** `store restore FILE`: writes what a backup contains into a data directory, and accepts the store as `store restored` does. */
export async function restoreCommand(
  file: string,
  { output, revoke, keep, ...flags }: BackupFlags & RestoredChoice,
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

/** Runs `operation`, which removes its temporary files at SIGTERM or SIGINT. */
function untilShutdown<T>(operation: (stop: AbortSignal) => Promise<T>): Promise<T> {
  return withShutdownSignal(async (stop) => {
    try {
      return await operation(stop);
    } catch (error) {
      if (!stop.aborted) throw error;
      throw new CommandError('a signal stopped the command, which removed its temporary files', {
        exitCode: 1,
        hint: 'run the command again',
        cause: error,
      });
    }
  });
}

/** Returns the files that `--config` and the settings of a service name. */
function filesElsewhere(settings: LocalSettings, config: unknown): string[] {
  const keys = SERVICE_SETTINGS.filter((key) => {
    const { placeholder }: SettingDefinition = SETTINGS[key];
    return placeholder === 'FILE' && key !== 'kubeconfig';
  });
  const files = [config, ...keys.map((key) => settings[key])];
  return files.filter((file) => typeof file === 'string');
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

function databaseUrl(flags: Readonly<Record<string, unknown>>): string {
  return shellWord(String(configurationFrom(flags).maskedValues.store));
}
