import { RedemptionError } from '../../domain/redemption-error.js';
import type { Checkpoint, Clock } from '../ports/clock.js';
import type { PendingRedemption, Posting } from '../ports/pending-redemption.js';
import type { RedemptionClient, TokenRedemption } from '../ports/redemption-client.js';

/** Dependencies of posting a code. */
export interface PostingDependencies {
  readonly client: RedemptionClient;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Longest duration of a posting by another run, in milliseconds: a little more than the time limit of an exchange. */
  readonly postingLimitMs: number;
  /** How long this run waits for the posting of another run, in milliseconds; absent: until the posting ends. */
  readonly longestWaitMs?: number | undefined;
  /** After its abort no request is sent, and the operation rejects with its reason once a posting in progress has ended. */
  readonly stopping?: AbortSignal | undefined;
}

/** The response to a posting. */
export interface PostedAnswer {
  readonly text: string;
  /** True if another run has received and stored it. */
  readonly isStored: boolean;
}

/** A failure of a posting for which the server may have counted a use. */
export class PossiblyCountedError extends RedemptionError {}

/** A refusal after this run lost an earlier response, which may have contained a certificate. */
export class RefusedAfterLossError extends RedemptionError {}

const MAX_ATTEMPTS = 3;
const POLL_MS = 100;
// Three attempts in half a minute: by then an ingress has its backend again, or a controller that was restarted is ready.
const UNKNOWN_GRANT_ATTEMPTS = 3;
const UNKNOWN_GRANT_INTERVAL_MS = 15_000;
// Skupper's server counts a use before it issues the certificate, so before these errors it may have counted a use.
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

/** Posts to a service that answers the same key with the same certificate. Posts again if a response is lost. */
export async function postOrReplay(
  redemption: TokenRedemption,
  deps: PostingDependencies,
): Promise<PostedAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    deps.stopping?.throwIfAborted();
    await deps.checkpoint('before-post');
    try {
      return { text: await deps.client.redeem(redemption), isStored: false };
    } catch (error) {
      if (!(error instanceof RedemptionError)) throw error;
      const failure = finalFailure(error, attempt);
      if (failure) throw failure;
    }
  }
}

/** Returns the error to reject with after a failed attempt; undefined if the code is to be posted again. */
function finalFailure(cause: RedemptionError, attempt: number): RedemptionError | undefined {
  if (cause.code !== 'outcome_unknown') {
    return attempt === 1 ? cause : new RefusedAfterLossError(cause.code, cause.message, { cause });
  }
  if (attempt < MAX_ATTEMPTS) return undefined;
  const more = 'It is safe to repeat: this service answers the same key with the same certificate.';
  return new RedemptionError('service_unavailable', `${cause.message} ${more}`, { cause });
}

/**
 * Posts to a server that counts every posting. Of all runs, only one posts, and the others wait for its response. Posts again
 * only if the server certainly counted nothing, or with `retry`. Rejects with RedemptionError `outcome_unknown` if an earlier
 * posting has no response, and with `busy` if `longestWaitMs` has passed while another run may still be posting.
 */
export async function postOnce(
  redemption: TokenRedemption,
  { pending, retry }: { readonly pending: PendingRedemption; readonly retry: boolean },
  deps: PostingDependencies,
): Promise<PostedAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    deps.stopping?.throwIfAborted();
    const posting = await beginPosting(pending, retry, deps);
    if ('text' in posting) return posting;
    try {
      return { text: await postRecorded(redemption, posting.number, pending, deps), isStored: false };
    } catch (error) {
      const isUnknown = error instanceof RedemptionError && error.code === 'grant_unknown';
      if (!isUnknown || attempt === UNKNOWN_GRANT_ATTEMPTS) throw error;
    }
    await deps.wait(UNKNOWN_GRANT_INTERVAL_MS);
  }
}

/** Posts the code after the posting was recorded. Removes the record if the server certainly counted nothing. */
async function postRecorded(
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
    if (MAY_HAVE_COUNTED.has(error.code)) throw possiblyCounted(error);
    await pending.cancelPosting(number);
    throw error;
  }
}

/** Waits until this run may post, and records the posting. Returns the response instead if another run has stored it. */
async function beginPosting(
  pending: PendingRedemption,
  retry: boolean,
  deps: PostingDependencies,
): Promise<PostedAnswer | { readonly number: number }> {
  const waitingSince = deps.clock();
  for (;;) {
    const text = await pending.findAnswer();
    if (text !== undefined) return { text, isStored: true };
    const now = deps.clock();
    const number = await recordPosting(pending, { waitingSince, now, retry }, deps);
    if (number !== undefined) return { number };
    if (deps.longestWaitMs !== undefined && now - waitingSince >= deps.longestWaitMs) {
      throw new RedemptionError('busy', 'Another run has posted the code, and its response is pending.');
    }
    await deps.wait(POLL_MS);
  }
}

/** Records a posting and returns its number; undefined while another run may be posting. */
async function recordPosting(
  pending: PendingRedemption,
  {
    waitingSince,
    now,
    retry,
  }: { readonly waitingSince: number; readonly now: number; readonly retry: boolean },
  { postingLimitMs }: PostingDependencies,
): Promise<number | undefined> {
  const last = await pending.findPosting();
  if (last) {
    // A time in the future is from another clock.
    const postedAt = last.at > now ? waitingSince : last.at;
    // A time more than the limit ahead means that the clock was set back: a run that waits for less would always report `busy`.
    const isPending = now < postedAt + postingLimitMs && (retry || last.at <= now + postingLimitMs);
    if (isPending) return undefined;
    if (!retry) throw responseLost(last);
  }
  const number = (last?.number ?? 0) + 1;
  return (await pending.beginPosting({ number, at: now })) ? number : undefined;
}

function responseLost({ at }: Posting): PossiblyCountedError {
  return new PossiblyCountedError(
    'outcome_unknown',
    `The code was posted ${new Date(at).toISOString()} and its answer was lost; the server may have counted a use.`,
  );
}

/** Converts the error of a Skupper server: the message adds that the server may have counted a use. */
export function possiblyCounted(error: RedemptionError): PossiblyCountedError {
  const more =
    'The server may nevertheless have counted a use, so the code is not posted again without --retry.';
  return new PossiblyCountedError(error.code, `${error.message} ${more}`, { cause: error });
}
