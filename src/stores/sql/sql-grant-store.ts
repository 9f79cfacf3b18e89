import type { Clock } from '../../redemption/ports/clock.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import { countCodes, createCode, findCode, listCodes, revokeCode } from './codes.js';
import {
  countGrants,
  countGrantsByIssuer,
  findGrant,
  findGrantByName,
  hasGrantCreatedBefore,
  listDeclaredGrants,
  listGrants,
} from './grant-reads.js';
import { createGrant, deleteGrant, initializeGrants, revokeGrant, updateGrant } from './grant-writes.js';
import type { GroupCommit } from './group-commit.js';
import type { LedgerChain } from './ledger-chain.js';
import { listAttemptTotals, listLedger, listRedemptionEntries } from './ledger-reads.js';
import { eraseSealedAnswers, recordRefusal, recordRepetition } from './ledger-writes.js';
import { countLinks, countOpenCodes, countRefusals, listLinks, readChanges } from './links.js';
import { type SqlDialect, type SqlOperation, setting } from './operation.js';
import { claimOutcome, eraseOutcomes } from './outcomes.js';
import { recordRedemption, recordSingleUse } from './record-redemption.js';
import {
  findRedemption,
  findReplay,
  listAttempts,
  listRedemptions,
  revokeRedemption,
  updateRedemption,
} from './redemptions.js';
import {
  countDependents,
  countIssuedBefore,
  findRenewedRedemption,
  listRenewals,
  listRevokedCertificates,
  recordRenewal,
} from './renewals.js';
import { deleteEndedGrants, removeOldLedger } from './retention.js';
import { nextNumber, putSetting, recordProbe } from './settings.js';
import { verifyLedger } from './verify-ledger.js';

/** An SQL database that stores grants. */
export interface SqlDatabase {
  readonly dialect: SqlDialect;
  /** Runs a query, which may be restarted. Rejects as the GrantStore does. */
  read<T>(query: (ledger: LedgerChain) => SqlOperation<T>): Promise<T>;
  /** Runs many queries on one snapshot of the database, without a time limit; other operations run meanwhile. */
  readSnapshot<T>(query: (ledger: LedgerChain) => SqlOperation<T>): Promise<T>;
  readonly write: GroupCommit['write'];
  /** Removes erased content from the database's write-ahead log, if that is possible now. */
  afterErasing(erasedCount: number): void;
  close(): Promise<void>;
}

/** Implements the DatabaseStore on an SQL database. */
export function sqlGrantStore(database: SqlDatabase, clock: Clock): DatabaseStore {
  const { dialect, read, readSnapshot, write } = database;
  return {
    createGrant: (grant) => write(createGrant(grant), { grantUid: grant.uid }),
    findGrant: (uid) => read(() => findGrant(uid)),
    findGrantByName: (namespace, name) => read(() => findGrantByName(namespace, name)),
    listGrants: (page) => read(() => listGrants(page)),
    listDeclaredGrants: (page) => read(() => listDeclaredGrants(page)),
    initializeGrants: (now) => write(initializeGrants(now)),
    updateGrant: (grantUid, change) => write(updateGrant(grantUid, change, clock()), { grantUid }),
    revokeGrant: (grantUid, now, cascade = false) => write(revokeGrant(grantUid, now, cascade), { grantUid }),
    deleteGrant: (grantUid) => write(deleteGrant(grantUid, clock()), { grantUid }),

    findReplay: (uid, replayKey) => read(() => findReplay(uid, replayKey)),
    recordRedemption: (grantUid, redemption, now, rules = {}) =>
      write(recordRedemption(grantUid, redemption, now, rules), { grantUid }),
    recordSingleUse: (grant, redemption, now) =>
      write(recordSingleUse(grant, redemption, now), { grantUid: grant.uid }),
    findRedemption: (id) => read(() => findRedemption(id)),
    listRedemptions: (page) => read(() => listRedemptions(dialect, page)),

    updateRedemption: (redemptionId, change) =>
      write(updateRedemption(redemptionId, change), { redemptionId }),
    revokeRedemption: (redemptionId, now) => write(revokeRedemption(redemptionId, now), { redemptionId }),
    listRevokedCertificates: (issuerSha256, now) => read(() => listRevokedCertificates(issuerSha256, now)),

    createCode: (code) => write(createCode(code, clock()), { grantUid: code.grantUid }),
    findCode: (uid, jti) => read(() => findCode(uid, jti)),
    listCodes: (page) => read(() => listCodes(page)),
    countCodes: (grantUid) => read(() => countCodes(grantUid)),
    revokeCode: (code, now) => write(revokeCode(code, now), { grantUid: code.grantUid }),

    claimOutcome: (outcome, now) => write(claimOutcome(outcome, now)),

    findRenewedRedemption: (id) => read(() => findRenewedRedemption(id)),
    recordRenewal: (renewal, now) =>
      write(recordRenewal(renewal, now), { redemptionId: renewal.redemptionId }),
    recordSuperseded: (redemption, peer, now) =>
      write(recordRepetition('superseded', redemption, peer, now), { grantUid: redemption.grantUid }),
    listRenewals: (id) => read(() => listRenewals(id)),
    countDependents: (now) => read(() => countDependents(now)),
    countIssuedBefore: (issuedBefore, now) => read(() => countIssuedBefore(issuedBefore, now)),

    listLinks: (page, matches) => read(() => listLinks(dialect, page, matches)),
    countLinks: (now) => read(() => countLinks(now)),
    countOpenCodes: (now) => read(() => countOpenCodes(now)),
    countRefusals: (since) => read(() => countRefusals(since)),
    readChanges: (since) => read(() => readChanges(since)),

    recordReplay: (redemption, peer, now) =>
      write(recordRepetition('replayed', redemption, peer, now), { grantUid: redemption.grantUid }),
    recordRefusal: (refusal, now) => write(recordRefusal(refusal, now), { grantUid: refusal.grantUid }),
    listLedger: (page) => read(() => listLedger(page)),
    listRedemptionEntries: (id, limit) => read(() => listRedemptionEntries(id, limit)),
    listAttemptTotals: (page) => read(() => listAttemptTotals(page)),
    verifyLedger: (grantUid, onProgress) =>
      readSnapshot((ledger) => verifyLedger(ledger, grantUid, onProgress)),
    deleteEndedGrants: (endedBefore, now) => write(deleteEndedGrants(endedBefore, now)),
    removeOldLedger: (endedBefore) => removeOldLedger({ read, write }, endedBefore),
    listAttempts: (uid, limit) => read(() => listAttempts(uid, limit)),
    async eraseSealedAnswers(now) {
      const answers = await write(eraseSealedAnswers(now));
      const erased = answers + (await write(eraseOutcomes(now)));
      database.afterErasing(erased);
      return erased;
    },

    getSetting: (key) => read(() => setting(key)),
    putSetting: (key, text) => write(putSetting(key, text, clock())),
    nextNumber: (key, atLeast) => write(nextNumber(key, atLeast)),

    hasGrantCreatedBefore: (createdBefore, endedAfter) =>
      read(() => hasGrantCreatedBefore(createdBefore, endedAfter)),
    countGrants: (now) => read(() => countGrants(now)),
    countGrantsByIssuer: (now) => read(() => countGrantsByIssuer(now)),
    // Only a commit shows that the disk has room.
    probe: () => write(recordProbe(clock())),
    close: () => database.close(),
  };
}
