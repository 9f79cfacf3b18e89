import type { KeptOutcome } from '../../redemption/outcome-store.js';
import type { WriteOperation } from './group-commit.js';

const FORGET = 'DELETE FROM outcomes WHERE id = ? AND until <= ?';
const KEEP = `INSERT INTO outcomes (id, kid, request, made, sealed, until) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const FIND = 'SELECT id, kid, request, made, sealed, until FROM outcomes WHERE id = ?';
const ERASE = 'DELETE FROM outcomes WHERE until <= ?';

/** The write behind OutcomeStore.claimOutcome. */
export function claimOutcome(outcome: KeptOutcome, now: number): WriteOperation<KeptOutcome> {
  const { id, kid, request, made, sealed, until } = outcome;
  return ({ connection }) => {
    connection.statement(FORGET).run(id, now);
    connection.statement(KEEP).run(id, kid, request, made, sealed, until);
    return connection.statement(FIND).get(id) as KeptOutcome;
  };
}

/** Erases outcomes whose time has passed; tells how many. */
export function eraseOutcomes(now: number): WriteOperation<number> {
  let erased = 0;
  return ({ connection }) => {
    erased = Math.max(erased, connection.statement(ERASE).run(now).changes);
    return erased;
  };
}
