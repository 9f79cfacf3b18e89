import { linkState } from '../../domain/issued-certificate.js';
import type { PeerIndex } from '../../redemption/administration/link-connections.js';
import { lifeOfLink, remainingText, remainingWords } from '../../redemption/administration/remaining.js';
import type { IsCaRetired } from '../../redemption/issuers/retired-cas.js';
import type { ListedRedemption } from '../../redemption/ports/grant-store.js';
import { formatTime } from '../terminal/output.js';

/**
 * Returns the report of an incoming link from its redemption: expiry and state of its newest certificate, and whether it is
 * connected. `isCaRetired` returns whether the CA of a certificate was retired.
 */
export function incomingReport(
  redemption: ListedRedemption,
  now: number,
  peers: PeerIndex,
  isCaRetired?: IsCaRetired,
) {
  const { id, name, subject, peer, createdAt, revokedAt, mode, newest } = redemption;
  const { notAfter } = newest ?? redemption;
  const life = lifeOfLink(redemption, newest, isCaRetired);
  const connected = peers.isConnected(redemption);
  const issuedAt = newest?.renewedAt ?? createdAt;
  return {
    name,
    subject,
    from: peer,
    redeemedAt: formatTime(createdAt),
    notAfter: formatTime(notAfter),
    state: linkState({ revokedAt, issuedAt, notAfter }, now),
    mode,
    redemptionId: id,
    canStill: remainingWords(life, now),
    remaining: remainingText(life, now),
    ...(connected !== null && { connected }),
  };
}

/** What {@link incomingReport} returns. */
export type IncomingReport = ReturnType<typeof incomingReport>;

/** Returns a note on revoked links that can still connect, with `hint` at its end; empty if there are none. */
export function revokedNote(links: readonly IncomingReport[], hint: string): string {
  const canConnect = links.some(({ state, canStill }) => state === 'revoked' && canStill !== '-');
  return canConnect
    ? `note: a revoked link can connect until its certificate expires, because skupper-router reads no CRL; ${hint}\n`
    : '';
}
