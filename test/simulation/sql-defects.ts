import type { Defect } from './defects.js';

const GROUP_COMMIT = 'stores/sql/group-commit.ts';
const RECORDING = 'stores/sql/record-redemption.ts';

/** Deliberate defects of the SQL store. */
export const SQL_DEFECTS: Readonly<Record<string, Defect>> = {
  'the SQL store does not compare the limit of a grant in the transaction': {
    violates: 'uses',
    file: RECORDING,
    text: 'WHERE uid = ? AND redemptions < redemptions_allowed AND',
    replacement: 'WHERE uid = ? AND',
  },
  'a commit in doubt counts as durable': {
    violates: 'record',
    file: GROUP_COMMIT,
    text: 'if (!failed) {',
    replacement: 'if (!failed?.error || failed.inDoubt) {',
  },
  'a repeated request is recorded under another replay key': {
    violates: 'replay',
    file: RECORDING,
    text: 'const values = redemptionValues(redemption);',
    replacement:
      'const values = redemptionValues({ ...redemption, replayKey: redemption.replayKey + redemption.id });',
  },
  'the SQL store does not read in the transaction whether a grant is revoked': {
    violates: 'revocation',
    file: RECORDING,
    text: 'expires_at > ? AND revoked_at IS NULL`',
    replacement: 'expires_at > ?`',
  },
  'a commit in doubt counts as a refusal': {
    violates: 'count',
    file: RECORDING,
    text: `        ...(rules.signedCode?.replaces !== undefined && { redemptionId: rules.signedCode.replaces }),
      }),`,
    replacement: "      }).catch(() => ({ refused: 'grant_exhausted' as const })),",
  },
  'a write does not know that it is repeated': {
    violates: 'count',
    file: GROUP_COMMIT,
    text: 'isRepeated: write.isRepeated, undo }',
    replacement: 'isRepeated: false, undo }',
  },
  'a repeated write is refused instead of finding what it recorded': {
    violates: 'count',
    file: RECORDING,
    text: 'if (inserted.changes === 0) {',
    replacement: 'if (inserted.changes === 0 && counted.changes !== 0) {',
  },
  'the use of a request that was recorded before stays counted': {
    violates: 'count',
    file: RECORDING,
    text: '    yield* undo();\n    if (yield* findRedemption',
    replacement: '    if (yield* findRedemption',
  },
  'the ledger retains the entries of a transaction that was rolled back': {
    violates: 'ledger',
    file: 'stores/sql/ledger/ledger-chain.ts',
    text: '    this.#savepoint = { entries: 0, removed: 0, refusals: 0 };\n    this.rollbackToSavepoint();',
    replacement:
      '    this.#savepoint = { entries: 0, removed: 0, refusals: 0 };\n    if (isCommitted) this.rollbackToSavepoint();',
  },
  'a commit of the SQLite store whose sync fails counts as not written': {
    violates: 'count',
    file: 'stores/sqlite/sqlite-database.ts',
    text: "['SQLITE_BUSY', 'SQLITE_FULL',",
    replacement: "['SQLITE_IOERR', 'SQLITE_BUSY', 'SQLITE_FULL',",
  },
  'a queue that has failed starts no commit': {
    violates: 'end',
    file: GROUP_COMMIT,
    text: '    isScheduled = false;\n    if (queue',
    replacement: '    isScheduled = failed !== undefined;\n    if (queue',
  },
};
