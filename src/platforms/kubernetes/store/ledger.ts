import { LISTED_KINDS } from '../../../domain/ledger-kind.js';
import type { RedemptionErrorCode } from '../../../domain/redemption-error.js';
import { sha256Hex } from '../../../pki/sha256.js';
import type { Attempt, GrantStore } from '../../../redemption/ports/grant-store.js';
import {
  type LedgerEntry,
  type LedgerStore,
  type ListedEntry,
  totalEntry,
} from '../../../redemption/ports/ledger-store.js';
import { sortedPage } from '../../../redemption/ports/page.js';
import type { RenewalStore } from '../../../redemption/ports/renewal-store.js';
import type { WrongCodeStore } from '../../../redemption/ports/wrong-code-store.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Resource, Stored } from '../api/resource.js';
import { grantRevokedAt } from '../grants/access-grant-resource.js';
import { type AttemptKey, type AttemptRow, IDENTITY_CONFLICT } from './attempt-events.js';
import { removeExpiredLedgers } from './expired-ledgers.js';
import {
  type RedemptionResource,
  readEarlierRenewals,
  readRedemption,
  readRenewals,
  replacementOf,
  slotName,
} from './redemption-resource.js';
import { actorOfUser, readRevokedBy } from './revoked-by.js';
import { listAttemptRows, readRedemptions, type StoreParts } from './store-parts.js';
import { findResource } from './stored-redemptions.js';

type LedgerMethods = LedgerStore &
  WrongCodeStore &
  Pick<RenewalStore, 'recordSuperseded'> &
  Pick<GrantStore, 'recordReplay' | 'recordRefusal' | 'recordIdentityConflict' | 'listAttempts'>;

/** The operations of the store on the ledger, which is derived from Redemptions, grants, codes and Events. */
export function ledgerStoreMethods(parts: StoreParts): LedgerMethods {
  const { client, namespace, accounts, codes, attempts } = parts;

  const record = async (attempt: AttemptKey, now: number, redemptionId: string | null): Promise<void> => {
    // An Event needs an existing grant.
    const account = await accounts.find(attempt.grantUid);
    if (account) await attempts.add(account, attempt, now, redemptionId);
  };
  const recordAs =
    (code: 'replayed' | 'superseded'): LedgerMethods['recordReplay'] =>
    ({ grantUid, name, subject, id }, peer, now) =>
      record({ grantUid, code, name, subject, peer }, now, id);
  /** One grant, or all, with the time of its revocation and the user who revoked it. */
  const readRevocations = async (grantUid: string | undefined) => {
    const read = ({ metadata }: Stored<Resource>) => {
      const { uid, namespace = '', name } = metadata;
      return {
        uid,
        namespace,
        name,
        revokedAt: grantRevokedAt(metadata),
        revokedBy: readRevokedBy(metadata),
      };
    };
    if (grantUid === undefined)
      return (await readListing(client, { kind: ACCESS_GRANTS, namespace }, read)).items;
    const account = await accounts.find(grantUid);
    const found = account && (await client.find(ACCESS_GRANTS, account, { isLimited: true }));
    return found?.metadata.uid === grantUid ? [read(found)] : [];
  };
  /** The entries of one grant, or of all, and the names of the grants by uid. */
  const entries = async (grantUid?: string) => {
    const grants = await readRevocations(grantUid);
    const names = new Map(grants.map(({ uid, name }) => [uid, name]));
    const read = (resource: Stored<RedemptionResource>) => {
      // The grant may have been deleted.
      names.set(resource.spec.grantUid, names.get(resource.spec.grantUid) ?? resource.spec.grantName);
      return entriesOf(resource);
    };
    const [redemptions, storedCodes] = await Promise.all([
      readRedemptions(parts, { grantUid, grants }, read),
      codes.list(grantUid),
    ]);
    const found = redemptions.flat();
    for (const { uid, revokedAt: at, revokedBy: detail } of grants) {
      if (at !== null) found.push({ grantUid: uid, at, kind: 'grant_revoked', redemptionId: null, detail });
    }
    for (const { grantUid, jti, revokedAt: at, revokedBy } of storedCodes) {
      const detail = { jti, ...actorOfUser(revokedBy) };
      if (at !== null) found.push({ grantUid, at, kind: 'code_revoked', redemptionId: null, detail });
    }
    return { entries: numberedByGrant(found), names };
  };

  /** The last redemptions of a grant. One that was deleted after this process had read it is absent. */
  const newestRedemptions = async (grantUid: string, limit: number) => {
    const account = await accounts.find(grantUid);
    if (!account) return [];
    await account.filledSlots.readAfter();
    const names = account.slots.newest(limit).map((slot) => slotName(grantUid, slot));
    const { namespace } = account;
    return Promise.all(
      names.map((name) => client.find<RedemptionResource>(REDEMPTIONS, { namespace, name })),
    );
  };

  return {
    recordReplay: recordAs('replayed'),
    recordSuperseded: recordAs('superseded'),
    async recordIdentityConflict({ grantUid, jti, peer }, now) {
      const account = await accounts.find(grantUid);
      const slot = account?.slots.ofCode(jti);
      if (!account || slot === undefined) return undefined;
      const key = { namespace: account.namespace, name: slotName(grantUid, slot) };
      const resource = await client.find<RedemptionResource>(REDEMPTIONS, key, { isLimited: true });
      if (!resource) return undefined;
      const { id, name, subject, peer: firstPeer } = resource.spec;
      await record(
        { grantUid, code: IDENTITY_CONFLICT, name, subject, peer: `${peer} (first from ${firstPeer})` },
        now,
        id,
      );
      return firstPeer;
    },
    recordRefusal: (refusal, now) => record(refusal, now, null),

    async addWrongCodes(grantUid, requests) {
      const account = await accounts.find(grantUid);
      if (account) await attempts.addWrongCodes(account, requests);
    },

    async findWrongCodes(grantUid) {
      const account = await accounts.find(grantUid);
      const row = account && (await attempts.findWrongCodes(account));
      return row && { count: row.count, lastAt: row.lastAt, lastPeer: row.peer };
    },

    async listAttempts(grantUid, limit) {
      const [redemptions, { rows }] = await Promise.all([
        newestRedemptions(grantUid, limit),
        listAttemptRows(parts, grantUid),
      ]);
      return attemptsOf(
        redemptions.filter((resource) => resource !== undefined),
        rows,
        limit,
      );
    },

    async listLedger(page, matches = () => true) {
      const { grantUid, kind, since = 0, until = Number.POSITIVE_INFINITY } = page;
      const [found, { rows }] = await Promise.all([entries(grantUid), listAttemptRows(parts, grantUid)]);
      const listed = [
        ...found.entries,
        ...rows.map(({ redemptionId: _, namespace: _namespace, ...row }) => totalEntry(row)),
      ]
        .map((entry): ListedEntry => {
          const grantName = found.names.get(entry.grantUid);
          return { ...entry, ...(grantName !== undefined && { grantName }) };
        })
        .filter(
          (entry) =>
            entry.at >= since &&
            entry.at < until &&
            (kind === undefined || entry.kind === kind) &&
            matches(entry),
        );
      // The digest of the entry, because a tenant can write long texts, and without its number, which can change between two
      // pages: see numberedByGrant.
      return sortedPage(listed, page, [0, 0, ''], ({ at, seq: _, ...entry }) => [
        -at,
        -LISTED_KINDS.indexOf(entry.kind),
        sha256Hex(JSON.stringify(entry)),
      ]);
    },

    async listRedemptionEntries(redemptionId, limit) {
      const resource = await findResource(parts, redemptionId);
      return resource ? entriesOf(resource).slice(-limit) : [];
    },

    async verifyLedger(grantUid) {
      return { entries: (await entries(grantUid)).entries.length, unchained: true };
    },

    // AccessGrants are user resources; retention never deletes them.
    deleteEndedGrants: async () => 0,
    removeOldLedger: (endedBefore) => removeExpiredLedgers(parts, endedBefore),
  };
}

/**
 * Numbers the entries of each grant by time. They are derived from the resources: when a Redemption is deleted, its entries
 * disappear, and later entries get lower numbers.
 */
function numberedByGrant(entries: Omit<LedgerEntry, 'seq'>[]): LedgerEntry[] {
  const lengths = new Map<string, number>();
  return entries
    .sort((a, b) => a.at - b.at)
    .map((entry) => {
      const seq = (lengths.get(entry.grantUid) ?? 0) + 1;
      lengths.set(entry.grantUid, seq);
      return { ...entry, seq };
    });
}

/** The last attempts to redeem a grant, newest first. */
function attemptsOf(
  redemptions: readonly Stored<RedemptionResource>[],
  rows: readonly AttemptRow[],
  limit: number,
): Attempt[] {
  const redeemed = redemptions.map((resource): Attempt => {
    const { createdAt: at, name, subject, peer, id, jti } = readRedemption(resource);
    return { at, outcome: 'redeemed', name, subject, peer, redemptionId: id, jti, count: 1 };
  });
  const others = rows
    .filter(({ code }) => code !== 'superseded' && code !== IDENTITY_CONFLICT)
    .map(
      ({ lastAt: at, code, name, subject, peer, jti, count, redemptionId }): Attempt => ({
        at,
        outcome: code as 'replayed' | RedemptionErrorCode,
        name,
        subject,
        peer,
        redemptionId,
        jti,
        count,
      }),
    );
  return [...redeemed, ...others].sort((a, b) => b.at - a.at).slice(0, limit);
}

function entriesOf(resource: Stored<RedemptionResource>): Omit<LedgerEntry, 'seq'>[] {
  const redemption = readRedemption(resource);
  const { grantUid, id: redemptionId, jti, name, subject, peer, createdAt, revokedAt } = redemption;
  const { serial, keySha256, certificateSha256, notAfter } = redemption;
  const party = { ...(jti !== null && { jti }), name, subject };
  const replaces = resource.spec.code?.replaces;
  const replacement = replacementOf(resource);
  const renewed = [...readRenewals(resource), ...readEarlierRenewals(resource)].reverse();
  return [
    {
      grantUid,
      at: createdAt,
      kind: 'redeemed',
      redemptionId,
      detail: {
        ...party,
        peer,
        serial,
        keySha256,
        certificateSha256,
        notAfter,
        ...(replaces !== undefined && { replaces }),
      },
    },
    ...renewed.map(
      (renewal): Omit<LedgerEntry, 'seq'> => ({
        grantUid,
        at: renewal.renewedAt,
        kind: 'renewed',
        redemptionId,
        detail: {
          ...party,
          number: renewal.number,
          serial: renewal.serial,
          notAfter: renewal.notAfter,
          peer: renewal.peer,
        },
      }),
    ),
    ...(revokedAt === null
      ? []
      : [
          {
            grantUid,
            at: revokedAt,
            kind: 'revoked' as const,
            redemptionId,
            detail: { ...party, ...readRevokedBy(resource.metadata) },
          },
        ]),
    ...(replacement
      ? [
          {
            grantUid,
            at: replacement.at,
            kind: 'replaced' as const,
            redemptionId,
            detail: { ...party, replacedBy: replacement.replacedBy },
          },
        ]
      : []),
  ];
}
