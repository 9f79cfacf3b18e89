import type { Logger } from 'pino';
import type { AccessGrant } from '../domain/access-grant.js';
import type { RouteOperation } from '../domain/listener-counts.js';
import type { GuessedGrant } from './unproven-requests.js';

/** The outcome of a request, for the log and the metrics. */
export interface RequestOutcome {
  /** `redeemed`, `replayed`, `renewed`, `checked`, `client_disconnected` or the code of a refusal. */
  readonly outcome: string;
  /** Present if the client proved a code of this grant, or the key of one of its links. */
  readonly grant?: Pick<AccessGrant, 'uid' | 'namespace'> | undefined;
  readonly redemption?: string | undefined;
  readonly name?: string | undefined;
  readonly subject?: string | undefined;
  /** Why the accepting site provides no access, or what is wrong with the CSR or the identity token; for its operator. */
  readonly reason?: string | undefined;
  /** The provider of the identity that was presented; for one that was not proven, the provider of its issuer. */
  readonly provider?: string | undefined;
  /** The address of the client that redeemed with the same identity and another key. */
  readonly conflict?: string | undefined;
  readonly error?: unknown;
  /** True for the check with which `doctor` and the web console find out whether the service answers. */
  readonly isProbe?: boolean;
  /** The grant that a wrong code was presented for. */
  readonly guessed?: GuessedGrant | undefined;
}

/** Logs the outcome of a request in one line. A check, and a probe that found no grant, are logged at `debug`. */
export function logOutcome(
  logger: Logger,
  result: RequestOutcome & {
    readonly operation: RouteOperation;
    readonly requestId: string;
    readonly peer: string;
    readonly milliseconds: number;
  },
): void {
  const { operation, outcome, grant, guessed, redemption, name, subject } = result;
  const { reason, provider, error, peer, requestId } = result;
  const fields = {
    grant: (grant ?? guessed)?.uid,
    namespace: (grant ?? guessed)?.namespace,
    grantName: guessed?.name,
    redemption,
    name,
    subject,
    identityProvider: provider,
    peer,
    ms: Math.round(result.milliseconds * 100) / 100,
    requestId,
  };
  if (result.conflict !== undefined)
    logger.warn(
      { event: 'identity_conflict', ...fields, firstPeer: result.conflict },
      'an identity that has redeemed the grant presented another key: its token may be stolen',
    );
  if (outcome === 'redeemed' || outcome === 'replayed' || outcome === 'renewed') {
    logger.info({ event: outcome, ...fields }, `link ${outcome}`);
  } else if (outcome === 'checked' || (result.isProbe && outcome === 'grant_unknown')) {
    logger.debug({ event: 'checked', ...fields }, 'token checked');
  } else {
    logger[error === undefined ? 'info' : 'error'](
      { event: 'refused', code: outcome, ...fields, reason, ...(error !== undefined && { err: error }) },
      operation === 'renew' ? 'renewal refused' : 'redemption refused',
    );
  }
}
