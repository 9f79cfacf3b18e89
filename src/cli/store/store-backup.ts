import { backUp } from '../../compose/back-up.js';
import { commandContext } from '../../config/command-context.js';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import { SETTINGS, type SettingDefinition } from '../../config/settings.js';
import { shellWord } from '../../domain/shell-words.js';
import type { LocalSettings } from '../session/configuration.js';
import { print } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { backupSettingsFrom, databaseUrl, type StoreFlags } from './store-settings.js';
import { untilShutdown } from './until-shutdown.js';

/** `store backup FILE`: writes the store, the keys, the CAs and the configuration file to one private file. */
export async function storeBackupCommand(file: string, { output, ...flags }: StoreFlags): Promise<void> {
  const settings = backupSettingsFrom(flags);
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

/** Returns the files that `--config` and the settings of a service name. */
function filesElsewhere(settings: LocalSettings, config: unknown): string[] {
  const keys = SERVICE_SETTINGS.filter((key) => {
    const { placeholder }: SettingDefinition = SETTINGS[key];
    return placeholder === 'FILE' && key !== 'kubeconfig';
  });
  const files = [config, ...keys.map((key) => settings[key])];
  return files.filter((file) => typeof file === 'string');
}
