import { RedemptionError } from '../domain/redemption-error.js';
import { adviceFor } from './exit-codes.js';

// What the service itself said, and will say again; anything else on the way may pass.
const NOT_THE_SERVICE: ReadonlySet<string> = new Set([
  'tls_untrusted',
  'tls_name',
  'not_https',
  'redirect',
  'answer_invalid',
  'token_invalid',
  'link_ended',
]);

/** True for what the service itself refused for good: asking again can only be refused again. */
export function isFinalRefusal(error: unknown): boolean {
  if (!(error instanceof RedemptionError)) return false;
  return adviceFor(error.code).exitCode === 3 && !NOT_THE_SERVICE.has(error.code);
}
