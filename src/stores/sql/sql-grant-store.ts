import type { Clock } from '../../redemption/ports/clock.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import { codeStore } from './codes.js';
import { grantReads } from './grant-reads.js';
import { grantWrites } from './grant-writes.js';
import { ledgerReads } from './ledger/ledger-reads.js';
import { eraseSealedAnswers, ledgerWrites } from './ledger/ledger-writes.js';
import { ledgerListing } from './ledger/list-ledger.js';
import { linkStore } from './links.js';
import { redemptionListing } from './list-redemptions.js';
import { eraseOutcomes, outcomeStore } from './outcomes.js';
import { redemptionRecorder } from './record-redemption.js';
import { redemptionStore } from './redemptions.js';
import { renewalStore } from './renewals.js';
import { retention } from './retention.js';
import { databaseOfActor, type SqlDatabase } from './sql-database.js';
import { settingStore } from './stored-settings.js';
import { wrongCodeStore } from './wrong-codes.js';

/** Implements the DatabaseStore on an SQL database. */
export function sqlGrantStore(database: SqlDatabase, clock: Clock): DatabaseStore {
  const { write } = database;
  return {
    actingAs: (actor) => sqlGrantStore(databaseOfActor(database, actor), clock),
    ...grantReads(database),
    ...grantWrites(database, clock),
    ...redemptionStore(database),
    ...redemptionListing(database),
    ...redemptionRecorder(database),
    ...renewalStore(database),
    ...codeStore(database, clock),
    ...outcomeStore(database),
    ...linkStore(database),
    ...wrongCodeStore(database),
    ...ledgerReads(database),
    ...ledgerListing(database),
    ...ledgerWrites(database),
    ...retention(database),
    ...settingStore(database, clock),
    async eraseSealedAnswers(now) {
      const answers = await write(eraseSealedAnswers(now));
      const erased = answers + (await write(eraseOutcomes(now)));
      database.afterErasing(erased);
      return erased;
    },
    close: () => database.close(),
  };
}
