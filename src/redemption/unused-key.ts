import { RedemptionError } from '../domain/redemption-error.js';
import { RefusedAfterLoss } from './post-token.js';

// Judged after the key was looked for: had it led to something, the answer would have come again.
const AFTER_REPLAY: ReadonlySet<string> = new Set([
  'grant_expired',
  'grant_exhausted',
  'code_expired',
  'code_exhausted',
  'policy_subject',
  'policy_name',
  'policy_source',
  'policy_key',
]);
// Said to every key, also to one that was given a certificate before.
const BEFORE_REPLAY: ReadonlySet<string> = new Set([
  'code_wrong',
  'grant_unknown',
  'grant_revoked',
  'code_revoked',
]);

/**
 * True where a refusal shows that the key has led to nothing, and will not. What is said to every key shows it only of one
 * that is `new` in this run: of another one an answer may have been lost, which a later look may yet get.
 */
export function isKeyUnused(error: unknown, { isNew }: { readonly isNew: boolean }): boolean {
  if (!(error instanceof RedemptionError)) return false;
  if (AFTER_REPLAY.has(error.code)) return true;
  return BEFORE_REPLAY.has(error.code) && isNew && !(error instanceof RefusedAfterLoss);
}
