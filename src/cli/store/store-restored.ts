import { acceptStore, findStoreLoss, type StoreLoss } from '../../compose/store-tools.js';
import { endRestore } from '../../compose/undecided-restore.js';
import { commandContext } from '../../config/command-context.js';
import { formatTime } from '../../domain/rfc3339.js';
import type { LocalSettings } from '../session/configuration.js';
import { usageError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { type StoreFlags, storeSettingsFrom } from './store-settings.js';

/** What to choose if a host has no record of the ledger. */
export const KEEP_IF_STOPPED =
  'add --keep if the previous service was stopped before the backup was made; else add --revoke, which revokes the grants that can be redeemed again';

/** Describes what is or may be missing in a store, as the beginning of a sentence. */
function lossText(lost: StoreLoss, unrecordedUntil: number | undefined): string {
  if (unrecordedUntil !== undefined)
    return `this host has no record of the ledger, so entries after ${formatTime(unrecordedUntil)} may be missing`;
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
export async function storeRestoredCommand({
  output,
  revoke,
  keep,
  ...flags
}: StoreFlags & RestoredChoice): Promise<void> {
  refuseBothChoices({ revoke, keep });
  const report = await acceptRestored(storeSettingsFrom(flags), { revoke, keep });
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
  /** The time of the newest entry, if this host had no record of the ledger. */
  readonly unrecordedUntil?: string;
}

/**
 * Accepts a store that lacks entries that this host has recorded; changes nothing if it lacks none. Throws a CommandError if entries
 * are missing, or if this host has no record of the ledger, and neither flag is set: the flags decide what happens to the grants that
 * can be redeemed again.
 */
export async function acceptRestored(
  settings: LocalSettings,
  { revoke, keep }: RestoredChoice,
): Promise<RestoredReport> {
  const { lost, redeemable, unrecordedUntil } = await findStoreLoss(settings, commandContext());
  if (lost === 0 && unrecordedUntil === undefined) {
    endRestore(settings.dataDir);
    return { lost, accepted: false, revoked: [] };
  }
  if (!revoke && !keep) {
    const grants = `${redeemable.length} ${redeemable.length === 1 ? 'grant' : 'grants'}`;
    const names = redeemable.slice(0, 5).map(({ namespace, name }) => `${namespace}/${name}`);
    throw usageError(
      `${lossText(lost, unrecordedUntil)}, and spent uses of ${grants} may be available again${
        names.length > 0 ? ` (${names.join(', ')}${redeemable.length > names.length ? ', …' : ''})` : ''
      }`,
      lost === 0 ? KEEP_IF_STOPPED : 'add --revoke to revoke them, or --keep to leave them redeemable',
    );
  }
  const revoked = revoke ? redeemable : [];
  await acceptStore(settings, commandContext(), revoked);
  endRestore(settings.dataDir);
  return {
    lost,
    accepted: true,
    revoked: revoked.map(({ namespace, name }) => `${namespace}/${name}`),
    ...(unrecordedUntil !== undefined && { unrecordedUntil: formatTime(unrecordedUntil) }),
  };
}

/** Returns the lines about a store that was accepted. */
export function restoredText({ accepted, revoked, unrecordedUntil }: RestoredReport): string {
  if (!accepted)
    return 'No entry that this host has recorded is missing from the store: there is nothing to do.\n';
  const age =
    unrecordedUntil === undefined
      ? []
      : [
          `The newest entry of the store is from ${unrecordedUntil}. Revoke again the links that were revoked after it.`,
        ];
  const accept = 'A service can use the store again.';
  return [...revoked.map((name) => `Revoked ${name}`), ...age, accept, ''].join('\n');
}
