import { setTimeout as sleep } from 'node:timers/promises';
import type { Checkpoint, Clock } from '../../redemption/clock.js';
import type { GrantStore } from '../../redemption/grant-store.js';
import { createCode, findCode, listCodes, revokeCode } from './codes.js';
import type { SqliteConnection } from './connection.js';
import {
  countGrants,
  findGrant,
  findGrantByName,
  hasGrantMadeBefore,
  listDeclaredGrants,
  listGrants,
} from './grant-reads.js';
import { createGrant, deleteGrant, initializeGrants, revokeGrant, updateGrant } from './grant-writes.js';
import { startGroupCommit } from './group-commit.js';
import { listAddedUp, listLedger } from './ledger-reads.js';
import { eraseSealedAnswers, recordAgain, recordRefusal } from './ledger-writes.js';
import { claimOutcome, eraseOutcomes } from './outcomes.js';
import { recordRedemption } from './record-redemption.js';
import { recordSingleUse } from './record-single-use.js';
import { findRedemption, findReplay, listAttempts, listRedemptions } from './redemption-reads.js';
import {
  countAnsweredBefore,
  countDependents,
  findRenewedRedemption,
  listRenewals,
  listRevokedCertificates,
  recordRenewal,
  recordSuperseded,
} from './renewals.js';
import { deleteEndedGrants, removeOldLedger } from './retention.js';
import { revokeRedemption } from './revocation-writes.js';
import type { SqliteSession } from './session.js';
import { failureOf, storeUnavailable, translateFailure } from './sqlite-failure.js';
import { verifyLedger } from './verify-ledger.js';

const GET_SETTING = 'SELECT value FROM settings WHERE key = ?';
const PUT_SETTING = `INSERT INTO settings (key, value) VALUES (?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
const NEXT_NUMBER = `INSERT INTO settings (key, value) VALUES (?, CAST(? AS INTEGER))
  ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER) + 1, CAST(excluded.value AS INTEGER)) RETURNING value`;

/** Gets erased content out of the log as well; false if another connection or the disk was in the way. */
function emptyLog(session: SqliteSession): boolean {
  try {
    return session.connect().truncateLog();
  } catch (error) {
    session.noteFailure(error);
    return false;
  }
}

/** The grant store over an open session: reads at once, writes by group commit. */
export function sqliteGrantStore(
  session: SqliteSession,
  options: {
    readonly clock: Clock;
    readonly checkpoint: Checkpoint | undefined;
    readonly deadlineMs: number;
  },
): GrantStore {
  const { clock, deadlineMs } = options;
  const { write, finish } = startGroupCommit(session, options);
  let closing: Promise<void> | undefined;
  let logHoldsErased = false;

  async function read<T>(query: (connection: SqliteConnection) => T): Promise<T> {
    if (closing) throw storeUnavailable('the store is closed');
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      try {
        return query(session.connect());
      } catch (error) {
        session.noteFailure(error);
        if (failureOf(error) !== 'busy' || performance.now() >= deadline) throw translateFailure(error);
      }
      await sleep(1 + Math.random() * 9);
    }
  }

  const putSetting = (key: string, value: string): Promise<void> =>
    write(({ connection }) => {
      connection.statement(PUT_SETTING).run(key, value);
    });

  return {
    async createGrant(grant) {
      return (await write(createGrant(grant))) === 'created' ? grant : 'name_taken';
    },
    findGrant: (uid) => read((connection) => findGrant(connection, uid)),
    findGrantByName: (namespace, name) => read((connection) => findGrantByName(connection, namespace, name)),
    listGrants: (page) => read((connection) => listGrants(connection, page)),
    listDeclaredGrants: (page) => read((connection) => listDeclaredGrants(connection, page)),
    initializeGrants: (now) => write(initializeGrants(now)),
    updateGrant: (uid, change) => write(updateGrant(uid, change)),
    revokeGrant: (uid, now, cascade = false) => write(revokeGrant(uid, now, cascade)),
    deleteGrant: (uid) => write(deleteGrant(uid, clock())),

    findReplay: (uid, replayKey) => read((connection) => findReplay(connection, uid, replayKey)),
    recordRedemption: (uid, redemption, now, rules = {}) =>
      write(recordRedemption(uid, redemption, now, rules)),
    recordSingleUse: (grant, redemption, now) => write(recordSingleUse(grant, redemption, now)),
    findRedemption: (id) => read((connection) => findRedemption(connection, id)),
    listRedemptions: (page) => read((connection) => listRedemptions(connection, page)),

    revokeRedemption: (id, now) => write(revokeRedemption(id, now)),
    listRevokedCertificates: (issuerSha256, now) =>
      read((connection) => listRevokedCertificates(connection, issuerSha256, now)),

    createCode: (code) => write(createCode(code)),
    findCode: (uid, jti) => read((connection) => findCode(connection, uid, jti)),
    listCodes: (page) => read((connection) => listCodes(connection, page)),
    revokeCode: (code, now) => write(revokeCode(code, now)),

    claimOutcome: (outcome, now) => write(claimOutcome(outcome, now)),

    findRenewedRedemption: (id) => read((connection) => findRenewedRedemption(connection, id)),
    recordRenewal: (renewal, now) => write(recordRenewal(renewal, now)),
    recordSuperseded: (redemption, peer, now) => write(recordSuperseded(redemption, peer, now)),
    listRenewals: (id) => read((connection) => listRenewals(connection, id)),
    countDependents: (issuerSha256, now) =>
      read((connection) => countDependents(connection, issuerSha256, now)),
    countAnsweredBefore: (answeredBefore, now) =>
      read((connection) => countAnsweredBefore(connection, answeredBefore, now)),

    recordReplay: (redemption, peer, now) => write(recordAgain('replayed', redemption, peer, now)),
    recordRefusal: (refusal, now) => write(recordRefusal(refusal, now)),
    listLedger: (page) => read((connection) => listLedger(connection, page)),
    listAddedUp: (page) => read((connection) => listAddedUp(connection, page)),
    verifyLedger: (grantUid) => read((connection) => verifyLedger(connection, grantUid)),
    deleteEndedGrants: (endedBefore, now) => write(deleteEndedGrants(endedBefore, now)),
    removeOldLedger: (endedBefore) => removeOldLedger({ read, write }, endedBefore),
    listAttempts: (uid, limit) => read((connection) => listAttempts(connection, uid, limit)),
    async eraseSealedAnswers(now) {
      const answers = await write(eraseSealedAnswers(now));
      const erased = answers + (await write(eraseOutcomes(now)));
      if (erased > 0) logHoldsErased = true;
      if (logHoldsErased) logHoldsErased = !emptyLog(session);
      return erased;
    },

    getSetting: (key) =>
      read((connection) => connection.statement(GET_SETTING).pluck().get(key) as string | undefined),
    putSetting,
    nextNumber: (key, atLeast) =>
      write(({ connection }) => Number(connection.statement(NEXT_NUMBER).pluck().get(key, atLeast))),

    hasGrantMadeBefore: (madeBefore, endedAfter) =>
      read((connection) => hasGrantMadeBefore(connection, madeBefore, endedAfter)),
    countGrants: (now) => read((connection) => countGrants(connection, now)),
    // Only a commit proves that there is room on the disk.
    probe: () => putSetting('probed-at', String(clock())),
    close() {
      closing ??= finish().then(() => session.close());
      return closing;
    },
  };
}
