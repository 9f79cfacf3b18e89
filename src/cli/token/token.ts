import { randomBytes } from 'node:crypto';
import { formatEndpoint } from '../../domain/host-port-text.js';
import type { Administration, IssuedToken } from '../../redemption/administration/administration.js';
import { createGrant, type GrantCreateFlags } from '../grant/grant.js';
import { POLICY_FLAGS } from '../grant/policy-flags.js';
import { rollbackOnFailure } from '../grant/rollback-grant.js';
import { withAdministration } from '../terminal/administration-session.js';
import { CommandError } from '../terminal/command-error.js';
import { parseCount, parseWindow, readCode, requireResourceName } from '../terminal/flag-values.js';
import { type HandedToken, handOutTokens, mintingRequest, type SignedTokenFlags } from './minted-tokens.js';
import { type TokenDelivery, type TokenDeliveryFlags, tokenDelivery } from './token-forms.js';
import { writeToken } from './token-output.js';

/** The flags of `token issue`: those of a new grant, or `grant` with the fields of its token. */
export type TokenIssueFlags = GrantCreateFlags &
  SignedTokenFlags &
  TokenDeliveryFlags & { readonly grant?: string; readonly wait?: string | true };

type CheckedIssueFlags = TokenIssueFlags & { readonly waitMs: number | undefined };

// Flags that only a new grant can have.
const OF_A_NEW_GRANT = ['issuer', ...POLICY_FLAGS] as const;
// Flags that only a signed token can have.
const OWN_LIMITS = ['redemptionsAllowed', 'expirationWindow', 'subject', 'count'] as const;

/**
 * `token issue`: writes a token of a new grant, or with `--grant` a signed token of that grant or a token with the grant's code.
 * In a cluster the code is read from the grant.
 */
export async function issueCommand(file: string | undefined, given: TokenIssueFlags): Promise<void> {
  const flags = { ...given, waitMs: waitLimit(given) };
  const { grant } = flags;
  const delivery = tokenDelivery(file, flags);
  if (grant === undefined) return issueWithGrant(delivery, flags);
  if (OF_A_NEW_GRANT.some((flag) => flags[flag] !== undefined)) {
    throw new CommandError(`issuer and policy are those of grant "${grant}"`, {
      exitCode: 2,
      hint: 'leave these flags out; `linkgrant grant update` changes a policy',
    });
  }
  return flags.codeFile === undefined
    ? issueSigned(delivery, grant, flags)
    : issueWithCode(delivery, grant, flags.codeFile, flags);
}

async function issueWithGrant(delivery: TokenDelivery, flags: CheckedIssueFlags): Promise<void> {
  refuseFlags(flags, ['subject', 'count'], 'tokens of their own are made of a grant that is there');
  const { name, linkCost } = ownCodeFlags(flags);
  await withAdministration(flags, async (session) => {
    const { administration } = session;
    const made = await createGrant(name ?? `link-${randomBytes(4).toString('hex')}`, flags, session);
    await thenWait(flags, made.uid, administration, () =>
      rollbackOnFailure(made, administration, () =>
        writeToken(made, delivery, { name, linkCost }, administration),
      ),
    );
  });
}

async function issueWithCode(
  delivery: TokenDelivery,
  wanted: string,
  codeFile: string,
  flags: CheckedIssueFlags,
): Promise<void> {
  refuseFlags(flags, OWN_LIMITS, `a token with the code of grant "${wanted}" has its limits`);
  const own = ownCodeFlags(flags);
  await withAdministration(flags, async ({ administration, namespace }) => {
    const { uid } = await administration.findGrant(namespace, wanted);
    const code = await readCode(codeFile);
    await thenWait(flags, uid, administration, () =>
      writeToken({ uid, code }, delivery, own, administration),
    );
  });
}

async function issueSigned(delivery: TokenDelivery, wanted: string, flags: CheckedIssueFlags): Promise<void> {
  const request = mintingRequest(delivery, flags);
  await withAdministration(flags, async ({ administration, namespace, readCode }) => {
    const grant = await administration.findGrant(namespace, wanted);
    if (readCode && OWN_LIMITS.every((flag) => flags[flag] === undefined)) {
      const { uid } = grant;
      const code = await readCode(uid);
      await thenWait(flags, uid, administration, () =>
        writeToken({ uid, code }, delivery, request, administration),
      );
      return;
    }
    const { name, subject, linkCost, uses: redemptionsAllowed } = request;
    const { expirationWindow } = flags;
    const order = { grantUid: grant.uid, name, subject, linkCost, redemptionsAllowed, expirationWindow };
    const make = async () => handed(await administration.issueToken(order), grant.name);
    // The token was not delivered, so it is revoked.
    const withdraw = async (id: string) => void (await administration.revokeToken(grant.uid, id));
    await thenWait(flags, grant.uid, administration, () => handOutTokens(request, grant, make, withdraw));
  });
}

function handed(issued: IssuedToken, grant: string): HandedToken {
  const { id = '', endpoints, redemptionsLeft: left, expirationTime = '' } = issued;
  const leadsTo = endpoints.map(formatEndpoint).join(', ');
  return {
    ...issued,
    id,
    expirationTime,
    notes: [
      `Links to ${leadsTo}`,
      `Grant "${grant}" has ${left} redemption${left === 1 ? '' : 's'} left, for all its tokens together`,
    ],
  };
}

/** The limit of `--wait[=DURATION]` in milliseconds: infinity without a DURATION; undefined without the flag. */
function waitLimit({ wait, count }: TokenIssueFlags): number | undefined {
  if (wait !== undefined && count !== undefined) {
    throw new CommandError('--wait is for one token', { exitCode: 2, hint: 'leave out --count or --wait' });
  }
  return wait === true ? Number.POSITIVE_INFINITY : parseWindow('--wait', wait);
}

/** Issues a token of a grant, and with `--wait` waits until it was redeemed. */
async function thenWait(
  { waitMs }: CheckedIssueFlags,
  grantUid: string,
  administration: Administration,
  issue: () => Promise<Pick<IssuedToken, 'id' | 'expirationTime'> | undefined>,
): Promise<void> {
  if (waitMs === undefined) return void (await issue());
  const { RedemptionWait } = await import('./token-wait.js');
  const redemption = await RedemptionWait.begin(administration, grantUid);
  const issued = await issue();
  if (issued) await redemption.untilRedeemed(issued, waitMs);
}

function ownCodeFlags(flags: TokenIssueFlags) {
  const { name } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  return { name, linkCost: parseCount('--link-cost', flags.linkCost) };
}

function refuseFlags(flags: TokenIssueFlags, refused: readonly string[], because: string): void {
  if (!refused.some((flag) => flags[flag] !== undefined)) return;
  throw new CommandError(because, {
    exitCode: 2,
    hint: 'name a grant with --grant, without --code-file, for a signed token with limits and a subject of its own',
  });
}
