import type { Logger } from 'pino';
import type { AccessGrant } from '../domain/access-grant.js';
import type { RequestedAct } from './request-path.js';
import type { GuessedGrant } from './unproven-requests.js';

/** What was asked; `other` is what no route is for. */
export type AnsweredAct = RequestedAct['act'] | 'other';

/** What came of one request, for the log and the metrics. */
export interface Told {
  /** `redeemed`, `replayed`, `renewed`, `checked` or a refusal's code. */
  readonly outcome: string;
  /** Present if the client proved a code of this grant, or the key of one of its links. */
  readonly grant?: Pick<AccessGrant, 'uid' | 'namespace'> | undefined;
  readonly redemption?: string | undefined;
  readonly name?: string | undefined;
  readonly subject?: string | undefined;
  /** Why the accepting site gives no access, or what is wrong with the CSR; for its operator. */
  readonly reason?: string | undefined;
  readonly error?: unknown;
  /** The grant that a wrong code was presented for. */
  readonly guessed?: GuessedGrant | undefined;
}

/** Writes the one line of an answer. Checks are at `debug`. */
export function logAnswer(
  logger: Logger,
  told: Told & { readonly act: AnsweredAct; readonly requestId: string; readonly peer: string },
  ms: number,
): void {
  const { act, outcome, grant, redemption, name, subject, reason, error, peer, requestId } = told;
  const fields = {
    grant: grant?.uid,
    namespace: grant?.namespace,
    redemption,
    name,
    subject,
    peer,
    ms: Math.round(ms * 100) / 100,
    requestId,
  };
  if (outcome === 'redeemed' || outcome === 'replayed' || outcome === 'renewed') {
    logger.info({ event: outcome, ...fields }, `link ${outcome}`);
  } else if (outcome === 'checked') {
    logger.debug({ event: 'checked', ...fields }, 'token checked');
  } else {
    logger[error === undefined ? 'info' : 'error'](
      { event: 'refused', code: outcome, ...fields, reason, ...(error !== undefined && { err: error }) },
      act === 'renew' ? 'renewal refused' : 'redemption refused',
    );
  }
}
