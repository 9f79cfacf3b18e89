import { AdministrationError } from '../../domain/administration-error.js';
import type { Redemption } from '../../domain/redemption.js';
import { formatTime } from '../../domain/rfc3339.js';
import { liveLinks } from '../issuers/live-links.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { RedemptionRevocation, SourceReport } from './administration.js';
import { redemptionReport } from './redemption-report.js';
import { type RedeemableSource, redeemableSource, revokeLink, type SourceChoice } from './revoke-link.js';

/**
 * Revokes a redemption and does with what it was made of as `choice` says; nothing is changed where that is missing and
 * matters. With `cut` its link is to be cut off as well, and what it was made of may not be kept.
 */
export async function revokeRedemption(
  redemption: Redemption,
  { choice, cut = false }: { readonly choice?: SourceChoice | undefined; readonly cut?: boolean },
  { store, now }: { readonly store: GrantStore; readonly now: number },
): Promise<RedemptionRevocation> {
  const source = await redeemableSource(redemption, store, now);
  // One that was revoked before with its source kept on purpose may be named again.
  const isSettled = choice !== undefined || (redemption.revokedAt !== null && !cut);
  if (source && (!isSettled || (cut && choice === 'keep-token'))) throw undecided(source, cut);
  if (source && source.jti === null && choice === 'with-token') {
    throw new AdministrationError(
      'value_rejected',
      `it was made with the own code of grant "${source.grant.name}", which goes with it`,
      { choices: ['with-grant', 'keep-token'] },
    );
  }
  const decided = choice ?? 'keep-token';
  const outcome = await revokeLink({ redemption, source, choice: decided }, store, now);
  const [newest] = (await store.findRenewedRedemption(redemption.id))?.renewals ?? [];
  const revoked = { ...redemption, revokedAt: redemption.revokedAt ?? now };
  return {
    outcome,
    redemption: redemptionReport(revoked, newest, now),
    ...(source && { source: sourceReport(source, decided) }),
    related: await relatedLinks(redemption, store, now),
  };
}

function sourceReport(
  { grant, jti, left, expirationTime }: RedeemableSource,
  choice: SourceChoice,
): SourceReport {
  return {
    grant: grant.name,
    ...(jti !== null && { tokenId: jti }),
    redemptionsLeft: left,
    ...(expirationTime !== null && { expirationTime: formatTime(expirationTime) }),
    choice,
  };
}

/** What can be redeemed again, as the beginning of a sentence. */
export function describeSource({
  grant,
  tokenId,
  redemptionsLeft,
  expirationTime,
}: Omit<SourceReport, 'choice'>): string {
  const what = tokenId === undefined ? `grant "${grant}"` : `token ${tokenId} of grant "${grant}"`;
  const uses = redemptionsLeft === 1 ? 'once more' : `${redemptionsLeft} times more`;
  return `${what} can be redeemed ${uses}${expirationTime === undefined ? '' : `, until ${expirationTime}`}`;
}

function undecided(source: RedeemableSource, cut: boolean): AdministrationError {
  const choices: SourceChoice[] = [
    ...(source.jti === null ? [] : (['with-token'] as const)),
    'with-grant',
    ...(cut ? [] : (['keep-token'] as const)),
  ];
  const why = cut
    ? ', so the site that is cut off could redeem it again'
    : ', and the site of the link can do so';
  const described = describeSource(sourceReport(source, 'keep-token'));
  return new AdministrationError('source_redeemable', `${described}${why}`, { choices });
}

async function relatedLinks(
  { id, grantUid, jti, subject }: Redemption,
  store: GrantStore,
  now: number,
): Promise<RedemptionRevocation['related']> {
  const related: RedemptionRevocation['related'][number][] = [];
  for await (const { redemption, newest } of liveLinks(store, { grantUid }, now)) {
    const isSameToken = jti !== null && redemption.jti === jti;
    if (redemption.id === id || (!isSameToken && redemption.subject !== subject)) continue;
    const { name } = redemption;
    related.push({
      id: redemption.id,
      name,
      subject: redemption.subject,
      notAfter: formatTime(newest.notAfter),
    });
  }
  return related;
}
