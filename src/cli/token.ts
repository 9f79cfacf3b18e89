import { randomBytes } from 'node:crypto';
import type { SignedCode } from '../codes/signed-code.js';
import { CommandError } from './command-error.js';
import { parseCount, readCode, requireResourceName } from './flag-values.js';
import { type GrantCreateFlags, makeGrant, requireGrant } from './grant.js';
import { handOutTokens, mintingRequest, type SignedTokenFlags } from './minted-tokens.js';
import { requireMintingKey } from './minting-key.js';
import { POLICY_FLAGS } from './policy-flags.js';
import { withStore } from './store-session.js';
import { writeToken } from './token-output.js';

/** The flags of `token issue`, as they were typed: those of a new grant, or `grant` with what its token shall be. */
export type TokenIssueFlags = GrantCreateFlags & SignedTokenFlags & { readonly grant?: string };

// What a grant that is there has already.
const OF_A_NEW_GRANT = ['issuer', ...POLICY_FLAGS] as const;

/** Writes a token: of a new grant; with `--grant` a signed one of that grant, or one with the code that was kept of it. */
export async function issueCommand(target: string, flags: TokenIssueFlags): Promise<void> {
  const { grant } = flags;
  if (grant === undefined) return issueWithGrant(target, flags);
  if (OF_A_NEW_GRANT.some((flag) => flags[flag] !== undefined)) {
    throw new CommandError(`issuer and policy are those of grant "${grant}"`, {
      exitCode: 2,
      hint: 'leave these flags out; `linkgrant grant update` changes a policy',
    });
  }
  return flags.codeFile === undefined
    ? issueSigned(target, grant, flags)
    : issueWithCode(target, grant, flags.codeFile, flags);
}

async function issueWithGrant(target: string, flags: TokenIssueFlags): Promise<void> {
  refuseFlags(flags, ['subject', 'count'], 'tokens of their own are made of a grant that is there');
  const { name, linkCost } = ownCodeFlags(flags);
  await withStore(flags, async (session) => {
    const made = await makeGrant(name ?? `link-${randomBytes(4).toString('hex')}`, flags, session);
    return writeToken(made, target, { name, linkCost }, session);
  });
}

async function issueWithCode(
  target: string,
  wanted: string,
  codeFile: string,
  flags: TokenIssueFlags,
): Promise<void> {
  const limits = ['redemptionsAllowed', 'expirationWindow', 'subject', 'count'] as const;
  refuseFlags(flags, limits, `a token with the code of grant "${wanted}" has its limits`);
  const own = ownCodeFlags(flags);
  await withStore(flags, async (session) => {
    const grant = await requireGrant(session.store, session.namespace, wanted);
    const code = await readCode(codeFile);
    return writeToken({ grant, code }, target, { ...own, keepGrant: true }, session);
  });
}

async function issueSigned(target: string, wanted: string, flags: TokenIssueFlags): Promise<void> {
  const request = mintingRequest(target, flags);
  await withStore(flags, async (session) => {
    const { store } = session;
    const grant = await requireGrant(store, session.namespace, wanted);
    const { key, endpoints } = await requireMintingKey(grant, session);
    const leadsTo = endpoints.map(({ name, host, port }) => `${name} ${host}:${port}`).join(', ');
    const left = grant.redemptionsAllowed - grant.redemptions;
    const notes = [
      `Links to ${leadsTo}`,
      `Grant "${grant.name}" has ${left} redemption${left === 1 ? '' : 's'} left, for all its tokens together`,
    ];
    const record = (code: SignedCode) =>
      store.createCode({ ...code, subject: code.subject ?? null, used: 0, revokedAt: null });
    // Nobody has it, and nobody shall wonder who does.
    const withdraw = async (code: SignedCode) => void (await store.revokeCode(code, Date.now()));
    await handOutTokens(key, request, { notes, record, withdraw });
  });
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
