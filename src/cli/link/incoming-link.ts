import { PeerIndex } from '../../redemption/administration/link-connections.js';
import { remainingText, remainingWords } from '../../redemption/administration/remaining.js';
import type { ObservedConnections } from '../../redemption/ports/connections.js';
import type { RenewedRedemption } from '../../redemption/ports/renewal-store.js';
import { formatTime, table } from '../terminal/output.js';

/** Reports an incoming link by its redemption, with the expiry and state of its newest certificate, and whether it is connected. */
export function incomingReport(
  { redemption, renewals }: RenewedRedemption,
  now: number,
  { peers }: Pick<ObservedConnections, 'peers'> = { peers: undefined },
) {
  const { id, name, subject, peer, createdAt, revokedAt, mode } = redemption;
  const newest = renewals[0] ?? redemption;
  const { notAfter } = newest;
  const life = { revokedAt, newest };
  const connected = new PeerIndex({ peers }).isConnected(redemption);
  const state = revokedAt !== null ? 'revoked' : notAfter <= now ? 'expired' : 'valid';
  return {
    name,
    subject,
    from: peer,
    redeemedAt: formatTime(createdAt),
    notAfter: formatTime(notAfter),
    state,
    mode,
    redemptionId: id,
    canStill: remainingWords(life, now),
    remaining: remainingText(life, now),
    ...(connected !== null && { connected }),
  };
}

/** What {@link incomingReport} returns. */
export type IncomingReport = ReturnType<typeof incomingReport>;

/** Formats the incoming links as a table. */
export function incomingText(links: readonly IncomingReport[]): string {
  if (links.length === 0) return 'There are no incoming links.\n';
  return `Incoming links\n${table(
    [
      ...['NAME', 'SUBJECT', 'FROM', 'REDEEMED', 'CERTIFICATE EXPIRES', 'STATE', 'CAN STILL'],
      ...(links.some(({ connected }) => connected !== undefined) ? ['CONNECTED'] : []),
    ],
    links.map(({ name, subject, from, redeemedAt, notAfter, state, canStill, connected }) => [
      name,
      subject,
      from,
      redeemedAt,
      notAfter,
      state,
      canStill,
      ...(connected === undefined ? [] : [connected ? 'yes' : 'no']),
    ]),
  )}`;
}

/** Returns a note on revoked links that can still connect, with `hint` at its end; empty if there are none. */
export function revokedNote(links: readonly IncomingReport[], hint: string): string {
  const canConnect = links.some(({ state, canStill }) => state === 'revoked' && canStill !== '-');
  return canConnect
    ? `note: a revoked link can connect until its certificate expires, because skupper-router reads no CRL; ${hint}\n`
    : '';
}
