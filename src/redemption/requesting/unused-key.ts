import { RedemptionError } from '../../domain/redemption-error.js';
import { RefusedAfterLoss } from './post-token.js';

// Said of the code, the grant or the request, after which nothing is issued.
const NOTHING_ISSUED: ReadonlySet<string> = new Set([
  'code_wrong',
  'code_expired',
  'code_exhausted',
  'code_revoked',
  'grant_unknown',
  'grant_expired',
  'grant_exhausted',
  'grant_revoked',
  'policy_subject',
  'policy_name',
  'policy_source',
  'policy_key',
]);

/**
 * True where a refusal shows that the key has led to nothing, and will not. It shows that only of a key that is `new` in this
 * run, and was posted once: a posting whose answer was lost may still be under way at the service.
 */
export function isKeyUnused(error: unknown, { isNew }: { readonly isNew: boolean }): boolean {
  if (!(error instanceof RedemptionError) || error instanceof RefusedAfterLoss) return false;
  return isNew && NOTHING_ISSUED.has(error.code);
}
