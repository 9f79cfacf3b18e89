import { dirname } from 'node:path';
import { copyStore } from '../../compose/store-tools.js';
import { commandContext } from '../../config/command-context.js';
import { parseStoreUrl, STORE_FORM, type StoreUrl } from '../../config/store-url.js';
import { refuseForeignDirectory } from '../../files/foreign-directory.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { type StoreFlags, storeSettingsFrom } from './store-settings.js';

/** `store copy FROM TO`: copies a store into an empty one, and verifies the ledger of the copy. */
export async function storeCopyCommand(
  from: string,
  to: string,
  { output, ...flags }: StoreFlags,
): Promise<void> {
  const settings = storeSettingsFrom(flags);
  const [source, target] = [storeUrlOf('FROM', from), storeUrlOf('TO', to)];
  const { rows, verdict } = await withProgress('Copying the store', (update) =>
    copyStore(settings, source, target, { ...commandContext(), onProgress: update }),
  );
  const { entries, fault } = verdict;
  if (fault) {
    throw new CommandError('everything was copied, but the ledger of the copy is not intact', {
      exitCode: 1,
      hint: '`linkgrant ledger verify` reports the fault; if the original store has the same fault, the copy did not cause it',
    });
  }
  const counted = Object.entries(rows).filter(([, count]) => count > 0);
  await print(output, { rows, ledger: { whole: true, entries } }, () =>
    [
      ...counted.map(([table, count]) => `${String(count).padStart(9)} ${table.replace('_', ' ')}`),
      `The ledger of the copy is intact: ${entries} ${entries === 1 ? 'entry' : 'entries'}.`,
      'Next: run the service and every command with --store and the URL of the copy. Redemptions since the copy are only in the original.',
      'The copy has no keys and no CAs. For another host, also run `linkgrant store backup FILE` here, and `linkgrant store restore FILE` there.',
      '',
    ].join('\n'),
  );
}

/**
 * Parses an argument as the URL of a store. Throws a CommandError for an invalid URL, and for a URL with a password, and
 * ConfigurationError for a file that root would open in a directory of another user.
 */
function storeUrlOf(argument: 'FROM' | 'TO', text: string): StoreUrl {
  const url = parseStoreUrl(text);
  if (!url) {
    const message = `${argument} is not the location of a store`;
    throw usageError(message, `use ${STORE_FORM}`);
  }
  if (url.kind === 'postgres' && url.password !== undefined) {
    throw usageError(
      'every user of this machine can read a password on the command line',
      'omit the password, and set it with PGPASSWORD or in the file that PGPASSFILE names',
    );
  }
  if (url.kind === 'sqlite') refuseForeignDirectory(dirname(url.file));
  return url;
}
