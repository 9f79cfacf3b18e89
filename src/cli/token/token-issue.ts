import { randomBytes } from 'node:crypto';
import { DAY_MS } from '../../domain/duration.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { BOUND_WINDOW_MS } from '../../redemption/accepting/mint-token.js';
import type { Administration } from '../../redemption/administration/administration.js';
import { AFTER_REVOCATION } from '../../redemption/administration/remaining.js';
import type { GrantReport } from '../../redemption/administration/reports/grant-report.js';
import type { IssuedToken } from '../../redemption/administration/reports/token-report.js';
import { everyItem } from '../../redemption/ports/page.js';
import { parseCount, parseWindow, readCode, requireResourceName } from '../flags/flag-values.js';
import { createGrantFromFlags, type GrantCreateFlags, printNewGrant } from '../grant/grant-create.js';
import { POLICY_FLAGS } from '../grant/policy-flags.js';
import { rollbackOnFailure } from '../grant/rollback-grant.js';
import { namedRedemption } from '../redemption/named-redemption.js';
import { withAdministration } from '../session/administration-session.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { plain } from '../terminal/plain-text.js';
import { writeStderr } from '../terminal/write-out.js';
import { requireWritable } from './secret-output.js';
import {
  type MintingRequest,
  mintingRequest,
  type SignedToken,
  type SignedTokenFlags,
  writeSignedTokens,
} from './signed-tokens.js';
import { type TokenDelivery, type TokenDeliveryFlags, tokenDelivery } from './token-forms.js';
import { writeToken } from './token-output.js';

/** The flags of `token issue`: without `grant` those of a new grant, with `grant` those of a signed token. */
export type TokenIssueFlags = GrantCreateFlags &
  SignedTokenFlags &
  TokenDeliveryFlags & { readonly grant?: string; readonly wait?: string | true };

/** The flags, and the value of `--wait` in milliseconds. */
type CheckedIssueFlags = TokenIssueFlags & { readonly waitMs: number | undefined };

// Flags of a new grant, which cannot be combined with --grant.
const NEW_GRANT_FLAGS = ['issuer', 'label', 'note', ...POLICY_FLAGS] as const;
// With --grant, these flags make the token a signed one. A token with the code of the grant cannot have them.
const SIGNED_TOKEN_FLAGS = [
  'redemptionsAllowed',
  'expirationWindow',
  'subject',
  'request',
  'replaces',
  'count',
] as const;

/** `token issue`: issues a token of a new grant, or with `--grant` a token of that grant, which may be a signed one. */
export async function tokenIssueCommand(
  file: string | undefined,
  issueFlags: TokenIssueFlags,
): Promise<void> {
  const flags = { ...issueFlags, waitMs: waitLimit(issueFlags) };
  const { grant } = flags;
  const delivery = tokenDelivery(file, flags);
  if (grant === undefined) return issueWithNewGrant(delivery, flags);
  if (NEW_GRANT_FLAGS.some((flag) => flags[flag] !== undefined)) {
    throw usageError(
      `--issuer, --label, --note and the policy flags cannot be combined with --grant: grant "${grant}" has its own`,
      'omit these flags; `linkgrant grant update` changes policy, labels and note',
    );
  }
  return issueFromGrant(delivery, grant, flags);
}

async function issueWithNewGrant(delivery: TokenDelivery, flags: CheckedIssueFlags): Promise<void> {
  requireNewGrantFlags(flags);
  const { name } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  const linkCost = parseCount('--link-cost', flags.linkCost);
  const signed = isSignedAlone(flags) ? await mintingRequest(delivery, flags) : undefined;
  const expirationWindow = flags.expirationWindow ?? (flags.request && `${BOUND_WINDOW_MS / DAY_MS}d`);
  await withAdministration(flags, async (session) => {
    const { administration } = session;
    const grant = await createGrantFromFlags(
      name ?? `link-${randomBytes(4).toString('hex')}`,
      { ...flags, ...(expirationWindow !== undefined && { expirationWindow }) },
      session,
    );
    // The code of such a grant is written nowhere.
    const writeSigned =
      signed &&
      (() => writeSignedTokens(signed, grant, issuer(signed, grant, administration), undefined, flags));
    if (flags.dryRun) {
      requireWritable(delivery.target, 'AccessToken');
      await writeSigned?.();
      return printNewGrant(grant, undefined);
    }
    const write = writeSigned ?? (() => writeToken(grant, delivery, { name, linkCost }, administration));
    await issueAndWait(flags, grant.uid, administration, () =>
      rollbackOnFailure<Pick<IssuedToken, 'id' | 'expirationTime'> | undefined>(grant, administration, write),
    );
  });
}

/** True if a new grant is only for one signed token: one that is bound to a key, or that replaces a link. */
function isSignedAlone({ request, replaces }: CheckedIssueFlags): boolean {
  return request !== undefined || replaces !== undefined;
}

function requireNewGrantFlags(flags: CheckedIssueFlags): void {
  if (!isSignedAlone(flags)) {
    refuseFlags(
      flags,
      ['subject', 'count'],
      '--subject and --count need --grant: only a signed token of an existing grant has them',
      'create the grant with `linkgrant grant create NAME --redemptions-allowed N`, then repeat this command with --grant NAME',
    );
  } else {
    refuseFlags(
      flags,
      ['codeFile'],
      '--code-file cannot be combined with --request or --replaces: such a token has a signed code',
      'omit --code-file',
    );
  }
}

async function issueFromGrant(
  delivery: TokenDelivery,
  grantName: string,
  flags: CheckedIssueFlags,
): Promise<void> {
  const { codeFile } = flags;
  if (codeFile !== undefined) {
    refuseFlags(
      flags,
      SIGNED_TOKEN_FLAGS,
      `--code-file cannot be combined with flags of a signed token: a token with --code-file has the limits of grant "${grantName}"`,
    );
  }
  const request = await mintingRequest(delivery, flags);
  await withAdministration(flags, async ({ administration, namespace, readCode: readGrantCode }) => {
    const grant = await administration.findGrant(namespace, grantName);
    const hasSignedTokenFlags = SIGNED_TOKEN_FLAGS.some((flag) => flags[flag] !== undefined);
    // In a cluster the code of the grant can be read, and a token without flags of a signed token contains it.
    const readFromGrant = hasSignedTokenFlags ? undefined : readGrantCode;
    const code = codeFile === undefined ? await readFromGrant?.(grant.uid) : await readCode(codeFile);
    if (code !== undefined) {
      return issueAndWait(flags, grant.uid, administration, () =>
        writeToken({ ...grant, code }, delivery, request, administration),
      );
    }
    const issue = issuer(request, grant, administration, flags.expirationWindow);
    const revoke = async (id: string) => void (await administration.revokeToken(grant.uid, id));
    await issueAndWait(flags, grant.uid, administration, () =>
      writeSignedTokens(request, grant, issue, revoke, flags),
    );
  });
}

/**
 * Returns a warning if a token for the same key was redeemed, else an empty text: the other site has deleted that key, so it cannot
 * redeem another token for it.
 */
async function usedKeyWarning(
  keySha256: string | undefined,
  namespace: string,
  administration: Administration,
): Promise<string> {
  if (keySha256 === undefined) return '';
  const tokens = await everyItem((page) => administration.listTokens({ ...page, namespace }));
  const used = tokens.find(
    ({ keySha256Prefix, redemptions }) =>
      keySha256Prefix !== undefined && redemptions > 0 && keySha256.startsWith(keySha256Prefix),
  );
  return used
    ? plain`warning: this request was used already: token ${used.id} of grant "${used.grant}" was redeemed with its key. For another link, make another request on the other site\n`
    : '';
}

/** Returns a function that issues one of the requested tokens; without `expirationWindow` it expires with its grant, or if it is bound after 7 days. */
function issuer(
  {
    name,
    subject,
    linkCost,
    uses: redemptionsAllowed,
    requestPem,
    keySha256,
    replaces: link,
  }: MintingRequest,
  grant: Pick<GrantReport, 'uid' | 'name' | 'namespace'>,
  administration: Administration,
  expirationWindow?: string,
): () => Promise<SignedToken> {
  const limits = { redemptionsAllowed, expirationWindow };
  const request = { grantUid: grant.uid, name, subject, linkCost, ...limits, request: requestPem };
  return async () => {
    const replaces = link === undefined ? undefined : await namedRedemption(link, administration);
    // Before the token is issued: if this listing fails, no token is lost.
    const warning = await usedKeyWarning(keySha256, grant.namespace, administration);
    const issued = await administration.issueToken({ ...request, replaces });
    if (issued.keySha256 === keySha256) {
      writeStderr(warning);
      return signedToken(issued, grant.name);
    }
    throw new CommandError('the service issued a token that is not bound to the key of the request', {
      exitCode: 3,
      hint: 'check that --server is the URL of your service',
    });
  };
}

function signedToken(issued: IssuedToken, grant: string): SignedToken {
  const { id = '', endpoints, redemptionsLeft: left, expirationTime = '', replaces } = issued;
  return {
    ...issued,
    id,
    expirationTime,
    notes: [
      ...(replaces === undefined
        ? []
        : [`When the token is redeemed, redemption ${replaces} is revoked: ${AFTER_REVOCATION}`]),
      `Links to ${endpoints.map(formatEndpoint).join(', ')}`,
      `Grant "${grant}" has ${left} redemption${left === 1 ? '' : 's'} left, for all its tokens together`,
    ],
  };
}

/** Returns the DURATION of `--wait[=DURATION]` in milliseconds: infinity without a DURATION; undefined without the flag. */
function waitLimit({ wait, count }: TokenIssueFlags): number | undefined {
  if (wait !== undefined && count !== undefined) {
    throw usageError('--wait is for one token', 'omit --count or --wait');
  }
  return wait === true ? Number.POSITIVE_INFINITY : parseWindow('--wait', wait);
}

/** Issues a token of a grant, and with `--wait` waits until the token is redeemed. */
async function issueAndWait(
  { waitMs, dryRun }: CheckedIssueFlags,
  grantUid: string,
  administration: Administration,
  issue: () => Promise<Pick<IssuedToken, 'id' | 'expirationTime'> | undefined>,
): Promise<void> {
  if (waitMs === undefined || dryRun) return void (await issue());
  const { beginRedemptionWait } = await import('./token-wait.js');
  const waitUntilRedeemed = await beginRedemptionWait(administration, grantUid);
  const issued = await issue();
  if (issued) await waitUntilRedeemed(issued, waitMs);
}

function refuseFlags(
  flags: TokenIssueFlags,
  names: readonly string[],
  reason: string,
  hint = 'for a signed token with its own limits and subject, use --grant without --code-file',
): void {
  if (names.some((flag) => flags[flag] !== undefined)) throw usageError(reason, hint);
}
