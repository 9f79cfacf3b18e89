import { dirname } from 'node:path';
import { openStore } from '../../compose/open-store.js';
import { acceptStore, copyStore, findStoreLoss, type StoreLoss } from '../../compose/store-tools.js';
import { commandContext } from '../../config/command-context.js';
import { parseStoreUrl, STORE_FORM, type StoreUrl } from '../../config/store-url.js';
import { refuseForeignDirectory } from '../../files/foreign-directory.js';
import { type LocalSettings, localSettingsFrom } from '../session/configuration.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { withProgress } from '../terminal/progress.js';

type StoreFlags = { readonly output?: OutputFormat } & Readonly<Record<string, unknown>>;

const NO_STORE = {
  reason: 'on kubernetes grants and redemptions are resources, and there is no store',
  hint: 'for the store of another service use --platform standalone; a backup of the cluster contains these resources',
};

/** `store migrate`: creates or upgrades the tables of the store. */
export async function migrateCommand({ output, ...flags }: StoreFlags): Promise<void> {
  const settings = localSettingsFrom(flags, NO_STORE);
  const store = await openStore(settings, commandContext(), true);
  await store.close();
  await print(output, { migrated: true }, () => 'The store has the tables of this release.\n');
}

/** `store copy FROM TO`: copies a store into an empty one, and verifies the ledger of the copy. */
export async function copyCommand(from: string, to: string, { output, ...flags }: StoreFlags): Promise<void> {
  const settings = localSettingsFrom(flags, NO_STORE);
  const [source, target] = [storeUrlOf('FROM', from), storeUrlOf('TO', to)];
  const { rows, verdict } = await withProgress('Copying the store', (update) =>
    copyStore(settings, source, target, { ...commandContext(), onProgress: update }),
  );
  const { entries, fault } = verdict;
  if (fault) {
    throw new CommandError('everything was copied, but the ledger of the copy is not intact', {
      exitCode: 1,
      hint: '`linkgrant redemption list --verify` reports the fault; if the original store has the same fault, the copy did not cause it',
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

/** Describes what is missing in a store, as the beginning of a sentence. */
function lossText(lost: StoreLoss): string {
  if (lost === 'empty') return 'the store is empty, but this host has the key or a record of a ledger';
  if (lost === 'mark')
    return 'the store lacks the mark of its ledger, so the number of missing entries is unknown';
  return `the store lacks ${lost} ${lost === 1 ? 'entry' : 'entries'} of its ledger`;
}

/** The flags that decide what happens to grants that can be redeemed again. */
export interface RestoredChoice {
  readonly revoke?: boolean | undefined;
  readonly keep?: boolean | undefined;
}

/** `store restored`: accepts an earlier copy of the store, and revokes or keeps the grants that can be redeemed again. */
export async function restoredCommand({
  output,
  revoke,
  keep,
  ...flags
}: StoreFlags & RestoredChoice): Promise<void> {
  refuseBothChoices({ revoke, keep });
  const report = await acceptRestored(localSettingsFrom(flags, NO_STORE), { revoke, keep });
  await print(output, report, () => restoredText(report));
}

/** Throws a CommandError if both flags are set. */
export function refuseBothChoices({ revoke, keep }: RestoredChoice): void {
  if (revoke && keep) throw usageError('--revoke and --keep exclude each other', 'use only one of them');
}

/** What a restored store lacked, and which grants were revoked. */
interface RestoredReport {
  readonly lost: StoreLoss;
  readonly accepted: boolean;
  readonly revoked: readonly string[];
  /** The time of the newest entry, if this host has no record of the ledger and neither flag was set. */
  readonly unrecordedUntil?: string;
}

/**
 * Accepts a store that lacks entries that this host has recorded; changes nothing if it lacks none. Throws a CommandError if entries
 * are missing and neither flag is set: the flags decide what happens to the grants that can be redeemed again. On a host without a
 * record of the ledger, a store is accepted only with a flag, and changed by none.
 */
export async function acceptRestored(
  settings: LocalSettings,
  { revoke, keep }: RestoredChoice,
): Promise<RestoredReport> {
  const { lost, redeemable, unrecordedUntil } = await findStoreLoss(settings, commandContext());
  if (lost === 0 && unrecordedUntil === undefined) return { lost, accepted: false, revoked: [] };
  if (lost === 0 && !revoke && !keep) {
    const time = new Date(unrecordedUntil ?? 0).toISOString();
    return { lost, accepted: false, revoked: [], unrecordedUntil: time };
  }
  if (!revoke && !keep) {
    const grants = `${redeemable.length} ${redeemable.length === 1 ? 'grant' : 'grants'}`;
    const names = redeemable.slice(0, 5).map(({ namespace, name }) => `${namespace}/${name}`);
    throw usageError(
      `${lossText(lost)}, and spent uses of ${grants} may be available again${
        names.length > 0 ? ` (${names.join(', ')}${redeemable.length > names.length ? ', …' : ''})` : ''
      }`,
      'add --revoke to revoke them, or --keep to leave them redeemable',
    );
  }
  const revoked = revoke ? redeemable : [];
  await acceptStore(settings, commandContext(), revoked);
  return { lost, accepted: true, revoked: revoked.map(({ namespace, name }) => `${namespace}/${name}`) };
}

/** Returns the lines about a store that was accepted. */
export function restoredText({ accepted, revoked, unrecordedUntil }: RestoredReport): string {
  if (unrecordedUntil !== undefined)
    return [
      'This directory has no record of the previous service, so missing entries cannot be detected.',
      `The newest entry of the store is of ${unrecordedUntil}: redemptions and revocations after it are lost.`,
      'If the previous service ran after the backup, spent uses are available again: run `linkgrant store restored --revoke` before `serve`.',
      '',
    ].join('\n');
  if (!accepted)
    return 'No entry that this host has recorded is missing from the store: there is nothing to do.\n';
  return [...revoked.map((name) => `Revoked ${name}`), 'A service can use the store again.', ''].join('\n');
}
