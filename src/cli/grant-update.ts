import { expirationWindowProblem, redemptionsAllowedProblem } from '../redemption/create-grant.js';
import { updateGrant } from '../redemption/update-grant.js';
import { changedPolicy, policyOf } from './asked-policy.js';
import { CommandError } from './command-error.js';
import { parseCount, parseWindow } from './flag-values.js';
import { type GrantFlags, requireGrant } from './grant.js';
import { grantFields, grantReport } from './grant-report.js';
import { namespaceFlag } from './namespace-words.js';
import { print } from './output.js';
import type { PolicyFlags } from './policy-flags.js';
import { withStore } from './store-session.js';

/** The flags of `grant update`, as they were typed; `unset` names rules, parted by commas. */
export interface GrantUpdateFlags extends GrantFlags, PolicyFlags {
  readonly redemptionsAllowed?: string;
  readonly expirationWindow?: string;
  readonly unset?: string;
}

/** `grant update`: changes what is given of a grant and shows it. One that a file declares is changed in its file alone. */
export async function updateCommand(nameOrUid: string, flags: GrantUpdateFlags): Promise<void> {
  const redemptionsAllowed = parseCount('--redemptions-allowed', flags.redemptionsAllowed);
  const expirationWindowMs = parseWindow('--expiration-window', flags.expirationWindow);
  const ofPolicy = flags.unset !== undefined || Object.keys(policyOf(flags)).length > 0;
  if (redemptionsAllowed === undefined && expirationWindowMs === undefined && !ofPolicy) {
    throw new CommandError('nothing to change was given', {
      exitCode: 2,
      hint: '`linkgrant grant update --help` lists what can be changed',
    });
  }
  const unusable =
    redemptionsAllowedProblem(redemptionsAllowed) ?? expirationWindowProblem(expirationWindowMs);
  if (unusable !== undefined) {
    throw new CommandError(`the grant was not changed: ${unusable}`, {
      exitCode: 2,
      hint: 'choose another value',
    });
  }
  await withStore(flags, async ({ store, service, namespace }) => {
    const grant = await requireGrant(store, namespace, nameOrUid);
    if (grant.sourceFile !== null) {
      throw new CommandError(`grant "${grant.name}" is declared by the file ${grant.sourceFile}`, {
        exitCode: 1,
        hint: 'change spec.redemptionsAllowed or spec.settings there, and the service follows it; its end stays',
      });
    }
    const update = {
      redemptionsAllowed,
      expirationWindowMs,
      ...(ofPolicy && { policy: changedPolicy(grant.policy, flags, flags.unset) }),
    };
    const updated = await updateGrant(grant, update, { store, clock: Date.now });
    if ('rejected' in updated) {
      throw new CommandError(`the grant was not changed: ${updated.rejected}`, {
        exitCode: 1,
        hint: `see \`linkgrant grant show ${grant.name}${namespaceFlag({ namespace: grant.namespace, service })}\`, or make another grant`,
      });
    }
    const report = grantReport(updated);
    await print(flags.output, report, () => grantFields(report));
  });
}
