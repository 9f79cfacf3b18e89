import { backUp } from '../../compose/back-up.js';
import { commandContext } from '../../config/command-context.js';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import { SETTINGS, type SettingDefinition } from '../../config/settings.js';
import { shellWord } from '../../domain/shell-words.js';
import { configurationFrom, type LocalSettings, localSettingsFrom } from '../session/configuration.js';
import { CommandError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { withShutdownSignal } from '../terminal/shutdown-signal.js';
import type { StoreFlags } from './store-settings.js';

/** Why these commands fail in a cluster. */
export const IN_CLUSTER = {
  reason: 'on kubernetes grants and redemptions are resources, and there is no store to back up',
  hint: 'save the AccessGrants, the Redemptions and the Secrets of the service with a backup of the cluster; see docs/how-to/back-up-and-restore.md',
};

/** `store backup FILE`: writes the store, the keys, the CAs and the configuration file to one private file. */
export async function backupCommand(file: string, { output, ...flags }: StoreFlags): Promise<void> {
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

/** Runs `operation`, which removes its temporary files at SIGTERM or SIGINT. */
export function untilShutdown<T>(operation: (stop: AbortSignal) => Promise<T>): Promise<T> {
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

/** Returns the URL of a PostgreSQL store, quoted for a shell. */
export function databaseUrl(flags: Readonly<Record<string, unknown>>): string {
  return shellWord(String(configurationFrom(flags).maskedValues.store));
}
