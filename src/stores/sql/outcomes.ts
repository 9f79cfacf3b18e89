import type { KeptOutcome } from '../../redemption/ports/outcome-store.js';
import type { WriteOperation } from './group-commit.js';
import { change, row } from './operation.js';

const FORGET = 'DELETE FROM outcomes WHERE id = ? AND until <= ?';
const KEEP = `INSERT INTO outcomes (id, kid, request, made, sealed, until) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const FIND = 'SELECT id, kid, request, made, sealed, until FROM outcomes WHERE id = ?';
const ERASE = 'DELETE FROM outcomes WHERE until <= ?';

/** The write behind OutcomeStore.claimOutcome. */
export function claimOutcome(outcome: KeptOutcome, now: number): WriteOperation<KeptOutcome> {
  const { id, kid, request, made, sealed, until } = outcome;
  return function* () {
    yield* change(FORGET, id, now);
    yield* change(KEEP, id, kid, request, made, sealed, until);
    const kept = (yield* row<KeptOutcome>(FIND, id)) as KeptOutcome;
    return { ...kept, sealed: new Uint8Array(kept.sealed) };
  };
}

/** Erases outcomes that have expired. Returns their number. */
export function eraseOutcomes(now: number): WriteOperation<number> {
  let erased = 0;
  return function* () {
    erased = Math.max(erased, yield* change(ERASE, now));
    return erased;
  };
}
