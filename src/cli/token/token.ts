import { randomBytes } from 'node:crypto';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { encodeResource } from '../../domain/resource-encoding.js';
import type { IssuedToken } from '../../redemption/administration/administration.js';
import { createGrant, type GrantCreateFlags } from '../grant/grant.js';
import { POLICY_FLAGS } from '../grant/policy-flags.js';
import { rollbackOnFailure } from '../grant/rollback-grant.js';
import { withAdministration } from '../terminal/administration-session.js';
import { CommandError } from '../terminal/command-error.js';
import { parseCount, readCode, requireResourceName } from '../terminal/flag-values.js';
import { type HandedToken, handOutTokens, mintingRequest, type SignedTokenFlags } from './minted-tokens.js';
import { writeToken } from './token-output.js';

/** The flags of `token issue`: those of a new grant, or `grant` with the fields of its token. */
export type TokenIssueFlags = GrantCreateFlags & SignedTokenFlags & { readonly grant?: string };

// Flags that only a new grant can have.
const OF_A_NEW_GRANT = ['issuer', 'label', 'note', ...POLICY_FLAGS] as const;
// Flags that only a signed token can have.
const OWN_LIMITS = ['redemptionsAllowed', 'expirationWindow', 'subject', 'count'] as const;

/**
 * `token issue`: writes a token of a new grant, or with `--grant` a signed token of that grant or a token with the grant's code.
 * In a cluster the code is read from the grant.
 */
export async function issueCommand(target: string, flags: TokenIssueFlags): Promise<void> {
  const { grant } = flags;
  if (grant === undefined) return issueWithGrant(target, flags);
  if (OF_A_NEW_GRANT.some((flag) => flags[flag] !== undefined)) {
    throw new CommandError(`issuer, policy, labels and note are those of grant "${grant}"`, {
      exitCode: 2,
      hint: 'leave these flags out; `linkgrant grant update` changes policy, labels and note',
    });
  }
  return flags.codeFile === undefined
    ? issueSigned(target, grant, flags)
    : issueWithCode(target, grant, flags.codeFile, flags);
}

async function issueWithGrant(target: string, flags: TokenIssueFlags): Promise<void> {
  refuseFlags(flags, ['subject', 'count'], 'tokens of their own are made of a grant that is there');
  const { name, linkCost } = ownCodeFlags(flags);
  await withAdministration(flags, async (session) => {
    const { administration } = session;
    const made = await createGrant(name ?? `link-${randomBytes(4).toString('hex')}`, flags, session);
    await rollbackOnFailure(made, administration, () =>
      writeToken(made, target, { name, linkCost }, administration),
    );
  });
}

async function issueWithCode(
  target: string,
  wanted: string,
  codeFile: string,
  flags: TokenIssueFlags,
): Promise<void> {
  refuseFlags(flags, OWN_LIMITS, `a token with the code of grant "${wanted}" has its limits`);
  const own = ownCodeFlags(flags);
  await withAdministration(flags, async ({ administration, namespace }) => {
    const { uid } = await administration.findGrant(namespace, wanted);
    await writeToken({ uid, code: await readCode(codeFile) }, target, own, administration);
  });
}

async function issueSigned(target: string, wanted: string, flags: TokenIssueFlags): Promise<void> {
  const request = mintingRequest(target, flags);
  await withAdministration(flags, async ({ administration, namespace, readCode }) => {
    const grant = await administration.findGrant(namespace, wanted);
    if (readCode && OWN_LIMITS.every((flag) => flags[flag] === undefined)) {
      const { uid } = grant;
      await writeToken({ uid, code: await readCode(uid) }, target, request, administration);
      return;
    }
    const { name, subject, linkCost, uses: redemptionsAllowed } = request;
    const { expirationWindow } = flags;
    const order = { grantUid: grant.uid, name, subject, linkCost, redemptionsAllowed, expirationWindow };
    const make = async () => handed(await administration.issueToken(order), grant.name);
    // The token was not delivered, so it is revoked.
    const withdraw = async (id: string) => void (await administration.revokeToken(grant.uid, id));
    await handOutTokens(request, grant, make, withdraw);
  });
}

function handed(issued: IssuedToken, grant: string): HandedToken {
  const {
    id = '',
    token,
    endpoints,
    redemptionsLeft: left,
    redemptionsAllowed,
    expirationTime = '',
  } = issued;
  const leadsTo = endpoints.map(formatEndpoint).join(', ');
  return {
    id,
    name: token.metadata.name,
    url: token.spec.url,
    document: encodeResource({ ...token }),
    redemptionsAllowed,
    expirationTime,
    notes: [
      `Links to ${leadsTo}`,
      `Grant "${grant}" has ${left} redemption${left === 1 ? '' : 's'} left, for all its tokens together`,
    ],
  };
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
