import { setTimeout as sleep } from 'node:timers/promises';
import { processContext } from '../../config/process-context.js';
import { parseDuration } from '../../domain/duration.js';
import { retryDisposition } from '../../redemption/requesting/retry-disposition.js';
import { backOffDelay } from '../../time/back-off.js';
import {
  type CommandContext,
  type LinkTargetFlags,
  openLinkTarget,
  type StoredLinkTarget,
} from '../link/link-target.js';
import { reloadText } from '../link/settle-reload.js';
import { CommandError } from '../terminal/command-error.js';
import { describeFailure } from '../terminal/failure.js';
import { parseCount, requireResourceName, requireSubject } from '../terminal/flag-values.js';
import { formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { writeStderr } from '../terminal/write-out.js';
import { tokenSource } from '../token/token-source.js';
import {
  attemptBootstrap,
  type Bootstrapped,
  type BootstrapRequest,
  NotYet,
  ReloadFailed,
  redemptionErrorOf,
} from './bootstrap-attempt.js';

/** The flags of `bootstrap`. */
export interface BootstrapFlags extends LinkTargetFlags {
  /** Time limit of the whole command. */
  readonly deadline?: string;
  readonly token?: string;
  readonly name?: string;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly continueWithoutLink?: boolean;
  /** Requests short-lived certificates, because they will be renewed. */
  readonly renew?: boolean;
  /** Stays and renews the links itself. */
  readonly watch?: boolean;
  /** `ready` (the link reaches its router; the default) or `configured` (it is in place). */
  readonly wait?: string;
  readonly output?: OutputFormat;
}

const DEFAULT_DEADLINE = '10m';
// How long a concurrent run is waited for without a report.
const LONGEST_SILENCE_MS = 5_000;
const ATTEMPT_PAUSES = { firstMs: 250, longestMs: 3_000 };
const RELOAD_PAUSES = { firstMs: 10_000, longestMs: 60_000 };
const LONGEST_TIMER_MS = 2 ** 31 - 1;
// A file that is being written is complete by then.
const SETTLED_MS = 3_000;
const OPERATOR =
  'on the accepting site, `linkgrant grant show` shows why, and `linkgrant token issue FILE` issues a new token for this one';

/**
 * Links a site unattended: waits for the token, the site, the network and the service, redeems once, materializes the link and
 * reloads its router. Does nothing if that is done already. With `--watch` it stays and renews the links.
 */
export async function bootstrapCommand(flags: BootstrapFlags, context: CommandContext): Promise<void> {
  const { deadline = DEFAULT_DEADLINE, ...rest } = flags;
  const deadlineMs = parseDuration(deadline);
  if (deadlineMs === undefined) {
    throw new CommandError(`--deadline cannot be "${deadline}"`, {
      exitCode: 2,
      hint: 'use a duration such as 90s or 10m',
    });
  }
  const signal = AbortSignal.timeout(Math.min(Math.ceil(deadlineMs), LONGEST_TIMER_MS));
  // The wall clock of a machine that has just started may still be set.
  const end = performance.now() + deadlineMs;
  const remainingMs = () => Math.max(0, Math.ceil(end - performance.now()));
  const patienceMs = () => Math.min(LONGEST_SILENCE_MS, remainingMs());
  const target = await openLinkTarget(rest, context, { reloads: true, signal, patienceMs });
  if (target.kind === 'stream') {
    throw new CommandError('--to cannot be standard output for a bootstrap', {
      exitCode: 2,
      hint: 'name a directory, in which it finds its link again',
    });
  }
  const request = requestOf(flags, target);
  try {
    await report(
      await repeatAttempts(target, request, context, { remainingMs, signal }),
      target,
      flags.output,
    );
  } catch (error) {
    const { message, hint, exitCode } = describeFailure(error);
    if (!flags.continueWithoutLink || exitCode === 2) throw error;
    writeStderr(`warning: continuing without a link in use: ${message}\n${hint ? `hint: ${hint}\n` : ''}`);
    return;
  }
  if (flags.watch) await (await import('../link/watch-links.js')).watchLinks(target, context);
}

function requestOf(flags: BootstrapFlags, target: StoredLinkTarget): BootstrapRequest {
  const { name, subject } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  if (subject !== undefined) requireSubject(subject);
  const linkCost = parseCount('--link-cost', flags.linkCost);
  const where = flags.token ?? (processContext().env.LINKGRANT_TOKEN_FILE || undefined);
  if (where === undefined && target.kind !== 'system-site') {
    throw new CommandError('nothing says where the token is', {
      exitCode: 2,
      hint: 'name it with --token (a file, a mounted directory, or -) or the variable LINKGRANT_TOKEN_FILE',
    });
  }
  const source = where === undefined ? undefined : tokenSource(where);
  const renews = flags.renew === true || flags.watch === true;
  return { source, name, subject, linkCost, renews, confirm: flags.wait !== 'configured' };
}

/** Repeats attempts until one succeeds, one fails permanently, or the deadline has passed. */
async function repeatAttempts(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  context: CommandContext,
  { remainingMs, signal }: { readonly remainingMs: () => number; readonly signal: AbortSignal },
): Promise<Bootstrapped> {
  const progress = { redeemed: false, renewed: false };
  const failures = { attempts: 0, reloads: 0, reported: '' };
  let invalidSince: number | undefined;
  for (;;) {
    let failure: unknown;
    try {
      return await attemptBootstrap(target, request, context, { remainingMs, signal }, progress);
    } catch (error) {
      failure = error;
    }
    const isInvalid = redemptionErrorOf(failure)?.code === 'token_invalid';
    invalidSince = isInvalid ? (invalidSince ?? performance.now()) : undefined;
    const isSettling = invalidSince !== undefined && performance.now() - invalidSince < SETTLED_MS;
    requireTemporary(failure, isSettling, remainingMs());
    await sleep(Math.min(pauseAfter(failure, failures), remainingMs()));
  }
}

/** Throws for a permanent failure, and for every failure once no time remains. `isSettling`: the token may still be written. */
function requireTemporary(error: unknown, isSettling: boolean, remainingMs: number): void {
  const { message, exitCode, hint } = describeFailure(error);
  if (redemptionErrorOf(error)?.code === 'outcome_unknown') throw lostAnswer(error);
  if (!(error instanceof NotYet) && exitCode !== 4 && !isSettling) throw withOperator(error);
  if (remainingMs > 0) return;
  throw new CommandError(`no link within the time given: ${message}`, {
    exitCode: isSettling ? 3 : 4,
    hint: error instanceof NotYet ? error.hint : hint,
    cause: error,
  });
}

/** Milliseconds until the next attempt. Reports a failure that differs from the previous one, and starts again with short pauses. */
function pauseAfter(
  error: unknown,
  failures: { attempts: number; reloads: number; reported: string },
): number {
  const { message } = describeFailure(error);
  // A message with other times or amounts is the same failure.
  const gist = message.replace(/\d+/g, '#');
  if (gist !== failures.reported) {
    writeStderr(`Waiting: ${message}\n`);
    failures.attempts = 0;
    failures.reported = gist;
  }
  if (!(error instanceof ReloadFailed)) return backOffDelay(ATTEMPT_PAUSES, ++failures.attempts);
  // Each reload may stop a router, so these pauses never become short again.
  return backOffDelay(RELOAD_PAUSES, ++failures.reloads);
}

/** A server that counts every posting may have counted a use, and waiting does not change that. */
function lostAnswer(error: unknown): CommandError {
  return new CommandError(describeFailure(error).message, {
    exitCode: 3,
    hint: 'the use may be spent: ask for a new token; `linkgrant token redeem --retry` posts this one again, which may spend another use',
    cause: error,
  });
}

/** The failure; for a refusal of the service with what the operator of the other side can do. */
function withOperator(error: unknown): unknown {
  const { message, hint, exitCode } = describeFailure(error);
  const failure = redemptionErrorOf(error);
  if (!failure || retryDisposition(failure) !== 'rejected') return error;
  return new CommandError(message, { exitCode, hint: `${hint ? `${hint}; ` : ''}${OPERATOR}`, cause: error });
}

async function report(
  { links, alreadyLinked, reload }: Bootstrapped,
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
