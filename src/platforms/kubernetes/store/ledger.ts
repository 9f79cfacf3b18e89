import type { RedemptionErrorCode } from '../../../domain/redemption-error.js';
import type { Attempt } from '../../../redemption/ports/grant-store.js';
import type { LedgerEntry } from '../../../redemption/ports/ledger-store.js';
import type { Stored } from '../api/resource.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import type { AttemptRow } from './attempt-events.js';
import type { NotedCode } from './code-config-maps.js';
import { type RedemptionResource, readEarlier, readRedemption, readRenewals } from './redemption-resource.js';

/** What a ledger is read from. */
export interface LedgerSources {
  readonly redemptions: readonly Stored<RedemptionResource>[];
  readonly grants: readonly Stored<AccessGrantResource>[];
  readonly codes: readonly NotedCode[];
}

/**
 * The entries of all grants that the sources tell of. They are not kept anywhere else: when a Redemption goes, so do its
 * entries, and those behind it get lower numbers.
 */
export function ledgerEntries({ redemptions, grants, codes }: LedgerSources): LedgerEntry[] {
  const told: Omit<LedgerEntry, 'seq'>[] = [...redemptions.flatMap(entriesOf)];
  for (const resource of grants) {
    const { uid: grantUid, revokedAt: at } = readAccessGrant(resource).grant;
    if (at !== null) told.push({ grantUid, at, kind: 'grant_revoked', redemptionId: null, detail: {} });
  }
  for (const { grantUid, jti, revokedAt: at } of codes) {
    if (at !== null) told.push({ grantUid, at, kind: 'code_revoked', redemptionId: null, detail: { jti } });
  }
  const lengths = new Map<string, number>();
  return told
    .sort((a, b) => a.at - b.at)
    .map((entry) => {
      const seq = (lengths.get(entry.grantUid) ?? 0) + 1;
      lengths.set(entry.grantUid, seq);
      return { ...entry, seq };
    });
}

/** The attempts at a grant, newest first. */
export function attemptsOf(
  redemptions: readonly Stored<RedemptionResource>[],
  rows: readonly AttemptRow[],
  limit: number,
): Attempt[] {
  const redeemed = redemptions.map((resource): Attempt => {
    const { createdAt: at, name, subject, peer, id } = readRedemption(resource);
    return { at, outcome: 'redeemed', name, subject, peer, redemptionId: id, count: 1 };
  });
  const others = rows
    .filter(({ code }) => code !== 'superseded')
    .map(
      ({ lastAt: at, code, name, subject, peer, count, redemptionId }): Attempt => ({
        at,
        outcome: code as 'replayed' | RedemptionErrorCode,
        name,
        subject,
        peer,
        redemptionId,
        count,
      }),
    );
  return [...redeemed, ...others].sort((a, b) => b.at - a.at).slice(0, limit);
}

function entriesOf(resource: Stored<RedemptionResource>): Omit<LedgerEntry, 'seq'>[] {
  const redemption = readRedemption(resource);
  const { grantUid, id: redemptionId, jti, name, subject, peer, createdAt, revokedAt } = redemption;
  const { serial, keySha256, certificateSha256, notAfter } = redemption;
  const who = { ...(jti !== null && { jti }), name, subject };
  const renewed = [...readRenewals(resource), ...readEarlier(resource)].reverse();
  return [
    {
      grantUid,
      at: createdAt,
      kind: 'redeemed',
      redemptionId,
      detail: { ...who, peer, serial, keySha256, certificateSha256, notAfter },
    },
    ...renewed.map(
      (renewal): Omit<LedgerEntry, 'seq'> => ({
        grantUid,
        at: renewal.renewedAt,
        kind: 'renewed',
        redemptionId,
        detail: {
          ...who,
          number: renewal.number,
          serial: renewal.serial,
          notAfter: renewal.notAfter,
          peer: renewal.peer,
        },
      }),
    ),
    ...(revokedAt === null
      ? []
      : [{ grantUid, at: revokedAt, kind: 'revoked' as const, redemptionId, detail: who }]),
  ];
}
