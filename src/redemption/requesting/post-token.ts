import type { RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import type { Checkpoint, Clock } from '../ports/clock.js';
import type { PendingRedemption, Posting } from '../ports/pending-redemption.js';
import type { RedemptionClient, TokenRedemption } from '../ports/redemption-client.js';

/** Dependencies of posting a code. */
export interface PostingDependencies {
  readonly client: RedemptionClient;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  /** Resolves after that many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Longest duration of another run's posting, in milliseconds: a little more than the limit of an exchange. */
  readonly patienceMs: number;
  /** How long this run waits for the posting of another run, in milliseconds; absent: until it has ended. */
  readonly longestWaitMs?: number | undefined;
  /**
   * Once it is aborted, no request is sent and the operation rejects with its reason; a response to a posting is still
   * awaited.
   */
  readonly stopping?: AbortSignal | undefined;
}

/** The text of a response; `earlier` if another run has stored it. */
export interface PostedAnswer {
  readonly text: string;
  readonly earlier: boolean;
}

/** A failure after which a server that counts every posting may have counted a use. */
export class PerhapsSpent extends RedemptionError {}

/** A refusal after a response to the same run was lost, which may have been a certificate. */
export class RefusedAfterLoss extends RedemptionError {}

const MAX_ATTEMPTS = 3;
const POLL_MS = 100;
// Three attempts over half a minute: by then an ingress has its backend again, and a started controller is ready.
const UNKNOWN_GRANT_TRIES = 3;
const UNKNOWN_GRANT_INTERVAL_MS = 15_000;
// Skupper's server counts a use before it issues the certificate, so after these errors a use may be spent.
const MAY_HAVE_COUNTED: ReadonlySet<string> = new Set([
  'outcome_unknown',
  'answer_invalid',
  'internal',
  'store_unavailable',
  'link_access_unavailable',
  'edge_site',
  'issuer_unavailable',
  'issuer_untrusted',
]);

/** Posts to a service that answers the same key with the same certificate; posts again if a response is lost. */
export async function postOrReplay(
  redemption: TokenRedemption,
  deps: PostingDependencies,
): Promise<PostedAnswer> {
  for (let posting = 1; ; posting += 1) {
    deps.stopping?.throwIfAborted();
    await deps.checkpoint('before-post');
    try {
      return { text: await deps.client.redeem(redemption), earlier: false };
    } catch (error) {
      if (!(error instanceof RedemptionError)) throw error;
      const failure = finalFailure(error, posting);
      if (failure) throw failure;
    }
  }
}

/** The failure of the whole operation after that of a posting; undefined if the code is posted again. */
function finalFailure(cause: RedemptionError, posting: number): RedemptionError | undefined {
  if (cause.code !== 'outcome_unknown') {
    return posting === 1 ? cause : new RefusedAfterLoss(cause.code, cause.message, { cause });
  }
  if (posting < MAX_ATTEMPTS) return undefined;
  const more = 'It is safe to repeat: this service answers the same key with the same certificate.';
  return new RedemptionError('service_unavailable', `${cause.message} ${more}`, { cause });
}

/**
 * Posts to a server that counts every posting: at most once in all runs together, unless certainly nothing was counted or
 * `retry` is set. Concurrent runs wait for the response to the one that posts. Rejects with RedemptionError
 * `outcome_unknown` if
 * an earlier posting has no response, and `busy` if `longestWaitMs` has passed before that is certain.
 */
export async function postOnce(
  redemption: TokenRedemption,
  { pending, retry }: { readonly pending: PendingRedemption; readonly retry: boolean },
  deps: PostingDependencies,
): Promise<PostedAnswer> {
  for (let tries = 1; ; tries += 1) {
    deps.stopping?.throwIfAborted();
    const begun = await beginPosting(pending, retry, deps);
    if ('text' in begun) return begun;
    try {
      return { text: await postBegun(redemption, begun.number, pending, deps), earlier: false };
    } catch (error) {
      const isUnknown = error instanceof RedemptionError && error.code === 'grant_unknown';
      if (!isUnknown || tries === UNKNOWN_GRANT_TRIES || hasEnded(redemption.token, deps.clock()))
        throw error;
    }
    await deps.wait(UNKNOWN_GRANT_INTERVAL_MS);
  }
}

/** Posts the code. Removes the record of the posting if it certainly counted nothing. */
async function postBegun(
  redemption: TokenRedemption,
  number: number,
  pending: PendingRedemption,
  deps: PostingDependencies,
): Promise<string> {
  if (deps.stopping?.aborted) {
    await pending.cancelPosting(number);
    deps.stopping.throwIfAborted();
  }
  await deps.checkpoint('before-post');
  try {
    return await deps.client.redeem(redemption);
  } catch (error) {
    if (!(error instanceof RedemptionError)) throw error;
    if (MAY_HAVE_COUNTED.has(error.code)) throw spentPerhaps(error);
    await pending.cancelPosting(number);
    throw error;
  }
}

/** Waits until this run may post, and records that it does. Returns the answer instead if another run has stored it. */
async function beginPosting(
  pending: PendingRedemption,
  retry: boolean,
  deps: PostingDependencies,
): Promise<PostedAnswer | { readonly number: number }> {
  const began = deps.clock();
  for (;;) {
    const text = await pending.findAnswer();
    if (text !== undefined) return { text, earlier: true };
    const now = deps.clock();
    const number = await recordPosting(pending, { began, now, retry }, deps);
    if (number !== undefined) return { number };
    if (deps.longestWaitMs !== undefined && now - began >= deps.longestWaitMs) {
      throw new RedemptionError('busy', 'Another run has posted the code, and its response is pending.');
    }
    await deps.wait(POLL_MS);
  }
}

/** Records a posting and returns its number; undefined while another run is posting. */
async function recordPosting(
  pending: PendingRedemption,
  { began, now, retry }: { readonly began: number; readonly now: number; readonly retry: boolean },
  { patienceMs }: PostingDependencies,
): Promise<number | undefined> {
  const last = await pending.findPosting();
  if (last) {
    // A time in the future is from another clock.
    const since = last.at > now ? began : last.at;
    if (now < since + patienceMs) return undefined;
    if (!retry) throw earlierAnswerLost(last);
  }
  const number = (last?.number ?? 0) + 1;
  return (await pending.beginPosting({ number, at: now })) ? number : undefined;
}

function earlierAnswerLost({ at }: Posting): PerhapsSpent {
  return new PerhapsSpent(
    'outcome_unknown',
    `The code was posted ${new Date(at).toISOString()} and its answer was lost; the server may have counted a use.`,
  );
}

function spentPerhaps(error: RedemptionError): PerhapsSpent {
  const more =
    'The server may nevertheless have counted a use, so the code is not posted again without --retry.';
  return new PerhapsSpent(error.code, `${error.message} ${more}`, { cause: error });
}

function hasEnded(token: RedeemableToken, now: number): boolean {
  return token.expirationTime !== undefined && token.expirationTime <= now;
}

// Refusals of the code, the grant or the request: the service issues nothing.
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
 * True if no certificate was or will be issued for a key after a refusal. This is certain only of a key that is new in this
 * run and was posted once: a posting whose response was lost may still be in progress at the service.
 */
export function isKeyUnused(error: unknown, { isNew }: { readonly isNew: boolean }): boolean {
  if (!(error instanceof RedemptionError) || error instanceof RefusedAfterLoss) return false;
  return isNew && NOTHING_ISSUED.has(error.code);
}
