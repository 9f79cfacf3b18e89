import type { Redemption } from '../domain/redemption.js';
import type { GrantStore } from '../redemption/grant-store.js';
import { liveLinks } from '../redemption/live-links.js';
import {
  type RedeemableSource,
  redeemableSource,
  revokeLink,
  type SourceChoice,
} from '../redemption/revoke-link.js';
import { CommandError } from './command-error.js';
import { type IssuerContext, type IssuerFlags, requireStore, withIssuers } from './issuer-session.js';
import { formatTime, table } from './output.js';
import { type CutFlags, cutCommand, parseRouter } from './redemption-cut.js';
import { requireRedemption } from './redemption-show.js';
import { remainingText } from './remaining.js';
import { writeOut } from './write-out.js';

/** The flags of `redemption revoke`, settings among them. */
export interface RevokeFlags extends IssuerFlags {
  readonly continue?: boolean;
  readonly abort?: boolean;
  readonly router?: string;
  readonly withToken?: boolean;
  readonly withGrant?: boolean;
  readonly keepToken?: boolean;
  readonly cut?: boolean;
}

/**
 * `redemption revoke`: lets a link be renewed and its answer be given no more. What it was made of is revoked with it, or
 * kept, as the flags say, and nothing is changed before they do. With `--cut` the CA is changed as well.
 */
export async function revokeCommand(
  id: string,
  {
    withToken,
    withGrant,
    keepToken,
    cut = false,
    continue: goOn = false,
    abort = false,
    router,
    ...flags
  }: RevokeFlags,
  context: IssuerContext,
): Promise<void> {
  const choice = choiceOf({ 'with-token': withToken, 'with-grant': withGrant, 'keep-token': keepToken });
  if (!cut && (goOn || abort || router !== undefined)) {
    throw new CommandError('--continue, --abort and --router are for --cut', {
      exitCode: 2,
      hint: 'add --cut',
    });
  }
  if (goOn && abort) {
    throw new CommandError('--continue and --abort are given both', { exitCode: 2, hint: 'leave one out' });
  }
  const cutFlags: CutFlags = {
    continue: goOn,
    abort,
    ...(router !== undefined && { router: parseRouter(router) }),
  };
  await withIssuers(flags, context, async (session) => {
    const store = requireStore(session);
    const redemption = await requireRedemption(store, id);
    if (!abort) await revoke(redemption, { choice, cut }, store, context);
    if (!cut) return;
    await cutCommand(redemption, cutFlags, session, context);
  });
}

function choiceOf(flags: Readonly<Record<SourceChoice, boolean | undefined>>): SourceChoice | undefined {
  const chosen = (Object.keys(flags) as SourceChoice[]).filter((choice) => flags[choice]);
  if (chosen.length < 2) return chosen[0];
  throw new CommandError(`--${chosen.join(' and --')} exclude each other`, {
    exitCode: 2,
    hint: 'give one of them',
  });
}

async function revoke(
  redemption: Redemption,
  { choice, cut }: { readonly choice: SourceChoice | undefined; readonly cut: boolean },
  store: GrantStore,
  { clock }: IssuerContext,
): Promise<void> {
  const now = clock();
  const source = await redeemableSource(redemption, store, now);
  // One that was revoked before with its source kept on purpose may be named again.
  const isSettled = choice !== undefined || (redemption.revokedAt !== null && !cut);
  if (source && !isSettled) throw undecided(source, cut);
  if (source && cut && choice === 'keep-token') throw undecided(source, cut);
  if (source && source.jti === null && choice === 'with-token') {
    throw new CommandError(
      `it was made with the own code of grant "${source.grant.name}", which goes with it`,
      {
        exitCode: 2,
        hint: 'give --with-grant, or --keep-token',
      },
    );
  }
  const outcome = await revokeLink({ redemption, source, choice: choice ?? 'keep-token' }, store, now);
  const [newest = redemption] = (await store.findRenewedRedemption(redemption.id))?.renewals ?? [];
  const connects = newest.notAfter > now;
  await writeOut(
    [
      outcome === 'revoked'
        ? `Redemption ${redemption.id}, subject ${redemption.subject}, is revoked.\n`
        : `Redemption ${redemption.id}, subject ${redemption.subject}, was revoked before.\n`,
      // Said already when the cut began.
      cut && outcome === 'before'
        ? ''
        : `Its link can still: ${remainingText({ revokedAt: redemption.revokedAt ?? now, newest }, now)}\n`,
      ...(source ? [sourceText(source, choice ?? 'keep-token')] : []),
      ...(await relatedLines(redemption, store, now)),
      connects && !cut
        ? `What cuts it off before is another CA: linkgrant redemption revoke ${redemption.id} --cut\n`
        : '',
    ].join(''),
  );
}

function described({ grant, jti, left, expirationTime }: RedeemableSource): string {
  const what = jti === null ? `grant "${grant.name}"` : `token ${jti} of grant "${grant.name}"`;
  const uses = left === 1 ? 'once more' : `${left} times more`;
  return `${what} can be redeemed ${uses}${expirationTime === null ? '' : `, until ${formatTime(expirationTime)}`}`;
}

function undecided(source: RedeemableSource, cut: boolean): CommandError {
  const choices = [...(source.jti === null ? [] : ['--with-token']), '--with-grant'];
  const all = cut ? choices : [...choices, '--keep-token'];
  const why = cut
    ? ', so that whoever is cut off could come back'
    : ', and whoever made the link of it can do so';
  return new CommandError(`${described(source)}${why}`, {
    exitCode: 2,
    hint: `nothing was changed; say what is to become of it: ${all.join(', ')}`,
  });
}

function sourceText(source: RedeemableSource, choice: SourceChoice): string {
  const { grant, jti } = source;
  if (choice === 'with-grant') return `Grant "${grant.name}" is revoked with it, and all its tokens.\n`;
  if (choice === 'with-token') return `Token ${jti} of grant "${grant.name}" is revoked with it.\n`;
  return `Kept: ${described(source)}.\n`;
}

/** Other links that the same party may have: of the same token, or of the same subject at the same grant. */
async function relatedLines(
  { id, grantUid, jti, subject }: Redemption,
  store: GrantStore,
  now: number,
): Promise<string[]> {
  const rows: string[][] = [];
  for await (const { redemption, newest } of liveLinks(store, { grantUid }, now)) {
    const isSameToken = jti !== null && redemption.jti === jti;
    if (redemption.id === id || (!isSameToken && redemption.subject !== subject)) continue;
    rows.push([redemption.id, redemption.name, redemption.subject, formatTime(newest.notAfter)]);
  }
  if (rows.length === 0) return [];
  const heading = 'Links that the same site may have, for they are of the same token or subject, live on:\n';
  return [heading, table(['ID', 'NAME', 'SUBJECT', 'CERTIFICATE ENDS'], rows)];
}
