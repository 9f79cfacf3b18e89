import type { SqlValue } from '../operation.js';

/** The rows that a verification compares: those of one grant, or all rows, also rows without a grant. */
export interface Scope {
  /** Undefined for all rows. */
  readonly grantUid: string | undefined;
  /** Returns the condition on a column that contains the uid of the grant. */
  where(column?: string): string;
  /** The value of each condition: none for all rows. */
  readonly values: readonly SqlValue[];
}

/** Returns the scope of a verification of one grant, or of everything. */
export function scopeOf(grantUid: string | undefined): Scope {
  const isWhole = grantUid === undefined;
  return {
    grantUid,
    where: (column = 'grant_uid') => (isWhole ? 'true' : `${column} = ?`),
    values: isWhole ? [] : [grantUid],
  };
}
