import { AdministrationError } from '../../domain/administration-error.js';
import type { Redemption } from '../../domain/redemption.js';
import { formatTime } from '../../domain/rfc3339.js';
import { liveLinks } from '../issuers/live-links.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { RedemptionRevocation, SourceReport } from './administration.js';
import { redemptionReport } from './reports/redemption-report.js';
import { type RedeemableSource, redeemableSource, revokeLink, type SourceChoice } from './revoke-link.js';

/**
 * Revokes a redemption, and its token or grant according to `choice`. Changes nothing and throws AdministrationError if a
 * required `choice` is missing. With `cut` the link is also cut off, and its token or grant cannot stay redeemable.
 */
export async function revokeRedemption(
  redemption: Redemption,
  { choice, cut = false }: { readonly choice?: SourceChoice | undefined; readonly cut?: boolean },
  { store, now }: { readonly store: GrantStore; readonly now: number },
): Promise<RedemptionRevocation> {
  const source = await redeemableSource(redemption, store, now);
  // A redemption that is revoked already, without its source, can be revoked again without a choice.
  const isSettled = choice !== undefined || (redemption.revokedAt !== null && !cut);
  if (source && (!isSettled || (cut && choice === 'keep-token'))) throw choiceRequired(source, cut);
  if (source && source.jti === null && choice === 'with-token') {
    throw new AdministrationError(
      'value_rejected',
      `it was redeemed with the code of grant "${source.grant.name}", which can only be revoked together with the grant`,
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

/** Describes what can be redeemed again, as the beginning of a sentence. */
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

function choiceRequired(source: RedeemableSource, cut: boolean): AdministrationError {
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
