import { setTimeout as sleep } from 'node:timers/promises';
import { commandContext } from '../../config/command-context.js';
import { parseDuration } from '../../domain/duration.js';
import { retryDisposition } from '../../redemption/requesting/retry-disposition.js';
import { backOffDelay } from '../../time/back-off.js';
import { parseCount, requireResourceName, requireSubject } from '../flags/flag-values.js';
import { type LinkTargetFlags, openLinkTarget, type StoredLinkTarget } from '../link/link-target.js';
import { reloadText } from '../link/settle-reload.js';
import { CommandError, invalidValue, usageError } from '../terminal/command-error.js';
import { describeFailure } from '../terminal/failure.js';
import { formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { plain, plainLine } from '../terminal/plain-text.js';
import { withProgress } from '../terminal/progress.js';
import { writeStderr } from '../terminal/write-out.js';
import type { IdentityFlags } from '../token/site-identity.js';
import type { GrantUrlFlags } from '../token/token-file.js';
import { tokenSource } from '../token/token-source.js';
import {
  attemptBootstrap,
  type BootstrapRequest,
  type BootstrapResult,
  ReloadError,
  redemptionErrorOf,
} from './bootstrap-attempt.js';

/** The flags of `bootstrap`. */
export interface BootstrapFlags extends LinkTargetFlags, IdentityFlags, GrantUrlFlags {
  /** Time limit until the site is linked. It does not limit `--watch`. */
  readonly deadline?: string;
  readonly token?: string;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly continueWithoutLink?: boolean;
  /** Requests short-lived certificates, because they will be renewed. */
  readonly renew?: boolean;
  /** Keeps running and renews the links itself. */
  readonly watch?: boolean;
  /** `ready` (the link connects; the default) or `configured` (it is written). */
  readonly wait?: string;
  readonly output?: OutputFormat;
}

const DEFAULT_DEADLINE = '10m';
// How long this command waits for a concurrent run before it reports the wait.
const MAX_SILENCE_MS = 5_000;
const ATTEMPT_PAUSES = { firstMs: 250, longestMs: 3_000 };
const RELOAD_PAUSES = { firstMs: 10_000, longestMs: 60_000 };
// The longest delay of a timer in Node.
const MAX_TIMER_MS = 2 ** 31 - 1;
// A token file that is being written is complete after this time.
const WRITE_SETTLE_MS = 3_000;
const OPERATOR_HINT =
  'on the accepting site, `linkgrant grant show` shows why, and `linkgrant token issue FILE` issues a new token';

/** `bootstrap`: links a site unattended: waits for its prerequisites, redeems once, and with `--watch` renews the links. */
export async function bootstrapCommand(flags: BootstrapFlags): Promise<void> {
  const { deadline = DEFAULT_DEADLINE } = flags;
  const deadlineMs = parseDuration(deadline);
  if (deadlineMs === undefined) {
    throw invalidValue('--deadline', deadline, 'use a duration such as 90s or 10m');
  }
  const signal = AbortSignal.timeout(Math.min(Math.ceil(deadlineMs), MAX_TIMER_MS));
  // The monotonic clock, because the wall clock may still change on a machine that has just started.
  const end = performance.now() + deadlineMs;
  const remainingMs = () => Math.max(0, Math.ceil(end - performance.now()));
  const patienceMs = () => Math.min(MAX_SILENCE_MS, remainingMs());
  const target = await openLinkTarget(flags, { storesRecords: true, signal, patienceMs });
  if (target.kind === 'stream') {
    throw usageError(
      'bootstrap cannot write to standard output',
      'set --to to a directory, in which a repeated run finds the link',
    );
  }
  const request = requestOf(flags, target);
  try {
    const result = await withProgress('Linking this site', () =>
      repeatAttempts(target, request, { remainingMs, signal }),
    );
    await reportBootstrap(result, target, flags.output);
  } catch (error) {
    const { message, hint, exitCode } = describeFailure(error);
    if (!flags.continueWithoutLink || exitCode === 2) throw error;
    writeStderr(
      `warning: continuing without a working link: ${plainLine(message)}\n${hint ? plain`hint: ${hint}\n` : ''}`,
    );
    return;
  }
  if (flags.watch) await (await import('../link/watch-links.js')).watchLinks(target);
}

function requestOf(flags: BootstrapFlags, target: StoredLinkTarget): BootstrapRequest {
  const { name, subject } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  if (subject !== undefined) requireSubject(subject);
  const linkCost = parseCount('--link-cost', flags.linkCost);
  const tokenPath = flags.token ?? (commandContext().env.LINKGRANT_TOKEN_FILE || undefined);
  if (tokenPath === undefined && target.kind !== 'system-site') {
    throw usageError(
      'no token is given',
      'set --token (a file, a mounted directory, or -) or the variable LINKGRANT_TOKEN_FILE',
    );
  }
  const source = tokenPath === undefined ? undefined : tokenSource(tokenPath, flags);
  const renews = flags.renew === true || flags.watch === true;
  const requiresConnection = flags.wait !== 'configured';
  return { source, name, subject, linkCost, identityFlags: flags, renews, requiresConnection };
}

/** Repeats attempts until one succeeds, one fails permanently, or the deadline has passed. */
async function repeatAttempts(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  { remainingMs, signal }: { readonly remainingMs: () => number; readonly signal: AbortSignal },
): Promise<BootstrapResult> {
  const progress = { redeemed: false, renewed: false };
  const failures = { attempts: 0, reloads: 0, reported: '' };
  let invalidSince: number | undefined;
  for (;;) {
    let failure: unknown;
    try {
      return await attemptBootstrap(target, request, { remainingMs, signal }, progress);
    } catch (error) {
      failure = error;
    }
    const isInvalid = redemptionErrorOf(failure)?.code === 'token_invalid';
    invalidSince = isInvalid ? (invalidSince ?? performance.now()) : undefined;
    const isSettling = invalidSince !== undefined && performance.now() - invalidSince < WRITE_SETTLE_MS;
    requireTemporary(failure, isSettling, remainingMs());
    await sleep(Math.min(pauseAfter(failure, failures), remainingMs()));
  }
}

/**
 * Throws for a permanent failure, and for every failure once no time remains. With `isSettling` an invalid token is temporary.
 */
function requireTemporary(error: unknown, isSettling: boolean, remainingMs: number): void {
  const { message, exitCode, hint } = describeFailure(error);
  if (redemptionErrorOf(error)?.code === 'outcome_unknown') throw lostResponse(error);
  if (exitCode !== 4 && !isSettling) throw withOperatorHint(error);
  if (remainingMs > 0) return;
  throw new CommandError(`no link before the deadline: ${message}`, {
    exitCode: isSettling ? 3 : 4,
    hint,
    cause: error,
  });
}

/**
 * Returns the milliseconds until the next attempt. Reports a failure that differs from the previous one, and then starts with
 * short pauses again.
 */
function pauseAfter(
  error: unknown,
  failures: { attempts: number; reloads: number; reported: string },
): number {
  const { message } = describeFailure(error);
  // Messages that differ only in numbers report the same failure.
  const messageKey = message.replace(/\d+/g, '#');
  if (messageKey !== failures.reported) {
    writeStderr(plain`Waiting: ${message}\n`);
    failures.attempts = 0;
    failures.reported = messageKey;
  }
  if (!(error instanceof ReloadError)) return backOffDelay(ATTEMPT_PAUSES, ++failures.attempts);
  // A reload may stop the router, so these pauses never become shorter, not even after a different failure.
  return backOffDelay(RELOAD_PAUSES, ++failures.reloads);
}

/** Returns the error for an unknown outcome. The request is not repeated, because a Skupper server counts each one as a use. */
function lostResponse(error: unknown): CommandError {
  return new CommandError(describeFailure(error).message, {
    exitCode: 3,
    hint: 'the use may be spent: request a new token; `linkgrant token redeem --retry` posts this one again, which may spend another use',
    cause: error,
  });
}

/** Returns the failure; if the service refused the redemption, with a hint for the operator of the accepting site. */
function withOperatorHint(error: unknown): unknown {
  const { message, hint, exitCode } = describeFailure(error);
  const failure = redemptionErrorOf(error);
  if (!failure || retryDisposition(failure) !== 'rejected') return error;
  return new CommandError(message, {
    exitCode,
    hint: `${hint ? `${hint}; ` : ''}${OPERATOR_HINT}`,
    cause: error,
  });
}

async function reportBootstrap(
  { links, alreadyLinked, reload }: BootstrapResult,
  target: StoredLinkTarget,
  output: OutputFormat,
): Promise<void> {
  const value = {
    links: links.map(({ name, files, notAfter }) => ({ name, files, notAfter: formatTime(notAfter) })),
    alreadyLinked,
    reload: reload.outcome,
    ...('namespace' in target && { namespace: target.namespace }),
  };
  await print(output, value, () =>
    [
      ...links.map(
        ({ name, notAfter }) =>
          `${alreadyLinked ? 'Already linked' : 'Linked'}: ${name}, certificate valid until ${formatTime(notAfter)}\n`,
      ),
      reloadText(reload),
    ].join(''),
  );
}
