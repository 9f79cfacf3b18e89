import {
  expirationWindowProblem,
  redemptionsAllowedProblem,
} from '../../redemption/accepting/create-grant.js';
import { parseCount, parseWindow } from '../flags/flag-values.js';
import { type LabelFlags, labelsChange } from '../flags/label-flags.js';
import { withAdministration } from '../session/administration-session.js';
import { usageError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import { writeStderr } from '../terminal/write-out.js';
import type { GrantFlags } from './grant-create.js';
import { grantFields } from './grant-fields.js';
import type { PolicyFlags } from './policy-flags.js';
import { policyChangeFromFlags, policyFromFlags, warnOfKeyTypes } from './policy-values.js';

/** The flags of `grant update`. */
export interface GrantUpdateFlags extends GrantFlags, PolicyFlags, LabelFlags {
  readonly redemptionsAllowed?: string;
  readonly expirationWindow?: string;
  /** The policy rules to remove, separated by commas. */
  readonly unset?: string;
}

/**
 * `grant update`: changes the given fields of a grant and prints it. Of a grant that a file declares, it can change only the
 * labels and the note.
 */
export async function grantUpdateCommand(nameOrUid: string, flags: GrantUpdateFlags): Promise<void> {
  const { expirationWindow } = flags;
  const redemptionsAllowed = parseCount('--redemptions-allowed', flags.redemptionsAllowed);
  const expirationWindowMs = parseWindow('--expiration-window', expirationWindow);
  const policy = policyChangeFromFlags(flags, flags.unset);
  const changesPolicy = Object.keys(policy).length > 0;
  const labels = labelsChange(flags);
  if (redemptionsAllowed === undefined && expirationWindow === undefined && !changesPolicy && !labels) {
    throw usageError(
      'no change is given',
      '`linkgrant grant update --help` lists the fields that can be changed',
    );
  }
  const problem =
    redemptionsAllowedProblem(redemptionsAllowed) ?? expirationWindowProblem(expirationWindowMs);
  if (problem !== undefined) {
    const message = `the grant was not changed: ${problem}`;
    throw usageError(message, 'choose another value');
  }
  await withAdministration(flags, async ({ administration, namespace }) => {
    const { uid } = await administration.findGrant(namespace, nameOrUid);
    const change = { redemptionsAllowed, expirationWindow, ...(changesPolicy && { policy }), ...labels };
    const report = await administration.updateGrant(uid, change);
    await print(flags.output, report, () => grantFields(report));
    warnOfKeyTypes(policyFromFlags(flags));
    if (redemptionsAllowed === undefined || report.redemptions < redemptionsAllowed) return;
    const { name, redemptions: used } = report;
    writeStderr(
      plain`warning: --redemptions-allowed counts past redemptions too: grant "${name}" was already redeemed ${used === 1 ? 'once' : `${used} times`}, so with ${redemptionsAllowed} it cannot be redeemed again\n` +
        plain`hint: to allow one more redemption, use --redemptions-allowed ${used + 1}\n`,
    );
  });
}
