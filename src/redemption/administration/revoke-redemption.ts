import { type AccessGrant, grantState, hasGrantEnded } from '../../domain/access-grant.js';
import { AdministrationError } from '../../domain/administration-error.js';
import type { Redemption } from '../../domain/redemption.js';
import { formatTime } from '../../domain/rfc3339.js';
import { codeState } from '../accepting/code-state.js';
import { liveLinks } from '../issuers/live-links.js';
import type { IsCaRetired } from '../issuers/retired-cas.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuedLink } from '../ports/link-store.js';
import {
  type RedemptionRevocation,
  redemptionReport,
  type SourceChoice,
  type SourceReport,
} from './reports/redemption-report.js';

/** The token or grant of a redemption, if the token or grant can be redeemed again. */
interface RedeemableSource {
  readonly grant: AccessGrant;
  /** Id of the signed code; null for the grant's own code, which is revoked only together with its grant. */
  readonly jti: string | null;
  readonly redemptionsLeft: number;
  /** Milliseconds since the epoch; null before the grant was first ready. */
  readonly expirationTime: number | null;
}

/**
 * Permanently revokes a redemption, and its token or grant according to `choice`. Changes nothing and throws AdministrationError
 * if a required `choice` is missing. `cut`: the link will also be cut off, so its token or grant cannot stay redeemable. May be
 * repeated after a crash.
 */
export async function revokeRedemption(
  redemption: Redemption,
  { choice, cut = false }: { readonly choice?: SourceChoice | undefined; readonly cut?: boolean },
  {
    store,
    now,
    isCaRetired,
  }: {
    readonly store: GrantStore;
    readonly now: number;
    readonly isCaRetired?: IsCaRetired | undefined;
  },
): Promise<RedemptionRevocation> {
  const source = await redeemableSource(redemption, store, now);
  // Without `cut` nothing more happens to a redemption that is already revoked, so it needs no choice.
  const needsChoice =
    choice === undefined ? cut || redemption.revokedAt === null : cut && choice === 'keep-token';
  if (source && needsChoice) throw choiceRequired(source, cut);
  if (source && source.jti === null && choice === 'with-token') {
    throw new AdministrationError(
      'value_rejected',
      `it was redeemed with the code of grant "${source.grant.name}", which can only be revoked together with the grant`,
      { choices: ['with-grant', 'keep-token'] },
    );
  }
  // Revoke the token or grant before the redemption, so that the site cannot redeem it again in between.
  if (source) await revokeSource(source, choice, store, now);
  const outcome = (await store.revokeRedemption(redemption.id, now)) ? 'revoked' : 'already_revoked';
  const [newest] = (await store.findRenewedRedemption(redemption.id))?.renewals ?? [];
  const revoked = { ...redemption, revokedAt: redemption.revokedAt ?? now };
  return {
    outcome,
    redemption: redemptionReport(revoked, newest, now, { isCaRetired }),
    ...(source && { source: sourceReport(source, choice ?? 'keep-token') }),
    related: await relatedLinks(redemption, store, now),
  };
}

async function revokeSource(
  { grant, jti, redemptionsLeft: uses, expirationTime }: RedeemableSource,
  choice: SourceChoice | undefined,
  store: GrantStore,
  now: number,
): Promise<void> {
  if (choice === 'with-grant') await store.revokeGrant(grant.uid, now);
  if (choice !== 'with-token' || jti === null) return;
  await store.revokeCode({ grantUid: grant.uid, jti, uses, expirationTime: expirationTime ?? now }, now);
}

/** Returns the source of a redemption if it can be redeemed again at `now`. */
async function redeemableSource(
  { grantUid, jti }: Redemption,
  store: GrantStore,
  now: number,
): Promise<RedeemableSource | undefined> {
  const grant = await store.findGrant(grantUid);
  const code = jti === null ? undefined : await store.findCode(grantUid, jti);
  if (!grant || (jti !== null && !code)) return undefined;
  const state = code ? codeState(grant, code, now) : grantState(grant, now);
  if (hasGrantEnded(state)) return undefined;
  const grantUsesLeft = grant.redemptionsAllowed - grant.redemptions;
  const { expirationTime } = grant;
  if (!code) return { grant, jti: null, redemptionsLeft: grantUsesLeft, expirationTime };
  return {
    grant,
    jti,
    redemptionsLeft: Math.min(code.uses - code.used, grantUsesLeft),
    expirationTime: Math.min(code.expirationTime, expirationTime ?? code.expirationTime),
  };
}

function sourceReport(
  { grant, jti, redemptionsLeft, expirationTime }: RedeemableSource,
  choice: SourceChoice,
): SourceReport {
  return {
    grant: grant.name,
    ...(jti !== null && { tokenId: jti }),
    redemptionsLeft,
    ...(expirationTime !== null && { expirationTime: formatTime(expirationTime) }),
    choice,
  };
}

/** Returns the sentence that a token or grant can be redeemed again, without its full stop. */
export function describeSource({
  grant,
  tokenId,
  redemptionsLeft,
  expirationTime,
}: Omit<SourceReport, 'choice'>): string {
  const source = tokenId === undefined ? `grant "${grant}"` : `token ${tokenId} of grant "${grant}"`;
  const uses = redemptionsLeft === 1 ? 'once more' : `${redemptionsLeft} times more`;
  return `${source} can be redeemed ${uses}${expirationTime === undefined ? '' : `, until ${expirationTime}`}`;
}

function choiceRequired(source: RedeemableSource, cut: boolean): AdministrationError {
  const choices: SourceChoice[] = [
    ...(source.jti === null ? [] : (['with-token'] as const)),
    'with-grant',
    ...(cut ? [] : (['keep-token'] as const)),
  ];
  const consequence = cut
    ? ', so the site that is cut off could redeem it again'
    : ', and the site of the link can do so';
  const description = describeSource(sourceReport(source, 'keep-token'));
  return new AdministrationError('source_redeemable', `${description}${consequence}`, { choices });
}

async function relatedLinks(
  { id, grantUid, jti, subject }: Redemption,
  store: GrantStore,
  now: number,
): Promise<RedemptionRevocation['related']> {
  const isRelated = (link: IssuedLink) =>
    link.id !== id && ((jti !== null && link.jti === jti) || link.subject === subject);
  const related = await liveLinks(store, { grantUid, sameAs: { subject, jti } }, now, isRelated);
  return related.map((link) => ({
    id: link.id,
    name: link.name,
    subject: link.subject,
    notAfter: formatTime(link.notAfter),
  }));
}
