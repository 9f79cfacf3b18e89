import { setTimeout as sleep } from 'node:timers/promises';
import { processContext } from '../../config/process-context.js';
import { parseDuration } from '../../domain/duration.js';
import { isSubject } from '../../domain/names.js';
import { finalityOf } from '../../redemption/requesting/finality.js';
import {
  type CommandContext,
  type LinkTarget,
  type LinkTargetFlags,
  openLinkTarget,
} from '../link/link-target.js';
import { reloadText } from '../link/settle-reload.js';
import { CommandError } from '../terminal/command-error.js';
import { describeFailure } from '../terminal/failure.js';
import { parseCount, requireResourceName } from '../terminal/flag-values.js';
import { formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { tell } from '../terminal/tell.js';
import { tokenSource } from '../token/token-source.js';
import { BackOff } from './back-off.js';
import {
  attemptBootstrap,
  type Bootstrapped,
  type BootstrapRequest,
  NotYet,
  ReloadFailed,
  redemptionErrorOf,
} from './bootstrap-attempt.js';

export interface BootstrapFlags extends LinkTargetFlags {
  /** Time limit of the whole command. */
  readonly deadline?: string;
  readonly token?: string;
  readonly name?: string;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly continueWithoutLink?: boolean;
  /** Asks for short-lived certificates, because they will be renewed. */
  readonly renew?: boolean;
  /** Stays and renews the links itself. */
  readonly watch?: boolean;
  /** `ready` (the link leads to its router) unless `configured` (it is in place). */
  readonly wait?: string;
  readonly output?: OutputFormat;
}

const DEFAULT_DEADLINE = '10m';
// How long a run beside this one is waited for without a word.
const LONGEST_SILENCE_MS = 5_000;
const RELOAD_PAUSES = { firstMs: 10_000, longestMs: 60_000 };
const LONGEST_TIMER_MS = 2 ** 31 - 1;
// A file that is still being written is whole by then.
const SETTLED_MS = 3_000;
const OPERATOR =
  'on the accepting site `linkgrant grant show` tells why, and `linkgrant token issue FILE` makes a new token for this one';

/**
 * Gets a site linked with nobody watching: waits for the token, the site, the network and the service, redeems once, puts
 * the link in place and to use. Does nothing where that is done already. With `--watch` it stays and renews what is there.
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
  if (flags.to === '-') {
    throw new CommandError('--to cannot be standard output for a bootstrap', {
      exitCode: 2,
      hint: 'name a directory, in which it finds its link again',
    });
  }
  const signal = AbortSignal.timeout(Math.min(Math.ceil(deadlineMs), LONGEST_TIMER_MS));
  // The clock of a machine that has just started may yet be set.
  const end = performance.now() + deadlineMs;
  const remainingMs = () => Math.max(0, Math.ceil(end - performance.now()));
  const patienceMs = () => Math.min(LONGEST_SILENCE_MS, remainingMs());
  const target = await openLinkTarget(rest, context, { reloads: true, signal, patienceMs });
  const request = requestOf(flags, target);
  try {
    await report(await persist(target, request, context, { remainingMs, signal }), target, flags.output);
  } catch (error) {
    const { message, hint, exitCode } = describeFailure(error);
    if (!flags.continueWithoutLink || exitCode === 2) throw error;
    tell(`warning: continuing without a link in use: ${message}\n${hint ? `hint: ${hint}\n` : ''}`);
    return;
  }
  if (flags.watch) await (await import('../link/watch-links.js')).watchLinks(target, context);
}

function requestOf(flags: BootstrapFlags, target: LinkTarget): BootstrapRequest {
  const { name, subject } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  if (subject !== undefined && !isSubject(subject)) {
    throw new CommandError('--subject cannot be what was given', {
      exitCode: 2,
      hint: 'use 1 to 253 printable characters',
    });
  }
  const linkCost = parseCount('--link-cost', flags.linkCost);
  const where = flags.token ?? (processContext().env.LINKGRANT_TOKEN_FILE || undefined);
  if (where === undefined && !target.site) {
    throw new CommandError('nothing says where the token is', {
      exitCode: 2,
      hint: 'name it with --token (a file, a mounted directory, or -) or the variable LINKGRANT_TOKEN_FILE',
    });
  }
  const source = where === undefined ? undefined : tokenSource(where);
  const renews = flags.renew === true || flags.watch === true;
  return { source, name, subject, linkCost, renews, confirm: flags.wait !== 'configured' };
}

/** Attempts until one goes well, one fails for good, or the time is over. */
async function persist(
  target: LinkTarget,
  request: BootstrapRequest,
  context: CommandContext,
  { remainingMs, signal }: { readonly remainingMs: () => number; readonly signal: AbortSignal },
): Promise<Bootstrapped> {
  const backOff = new BackOff();
  const reloadBackOff = new BackOff(RELOAD_PAUSES);
  const progress = { redeemed: false, renewed: false };
  let said: string | undefined;
  let invalidSince: number | undefined;
  for (;;) {
    let pauseMs: number;
    try {
      return await attemptBootstrap(target, request, context, { remainingMs, signal }, progress);
    } catch (error) {
      const code = redemptionErrorOf(error)?.code;
      invalidSince = code === 'token_invalid' ? (invalidSince ?? performance.now()) : undefined;
      const isSettling = invalidSince !== undefined && performance.now() - invalidSince < SETTLED_MS;
      const { message, exitCode, hint } = describeFailure(error);
      if (code === 'outcome_unknown') throw lostAnswer(error);
      if (!(error instanceof NotYet) && exitCode !== 4 && !isSettling) throw withOperator(error);
      if (remainingMs() === 0) {
        throw new CommandError(`no link within the time given: ${message}`, {
          exitCode: isSettling ? 3 : 4,
          hint: error instanceof NotYet ? error.hint : hint,
          cause: error,
        });
      }
      // Times and amounts that a message tells do not make it another one.
      const gist = message.replace(/\d+/g, '#');
      if (gist !== said) {
        tell(`Waiting: ${message}\n`);
        backOff.reset();
        said = gist;
      }
      pauseMs = (error instanceof ReloadFailed ? reloadBackOff : backOff).next();
    }
    await sleep(Math.min(pauseMs, remainingMs()));
  }
}

/** Waiting mends nothing where a server that counts every posting may have counted a use. */
function lostAnswer(error: unknown): CommandError {
  return new CommandError(describeFailure(error).message, {
    exitCode: 3,
    hint: 'the use may be spent: ask for a new token; `linkgrant token redeem --retry` posts this one again, which may spend another use',
    cause: error,
  });
}

/** The failure, and for what the service refused also what the other side's operator can do. */
function withOperator(error: unknown): unknown {
  const { message, hint, exitCode } = describeFailure(error);
  const failure = redemptionErrorOf(error);
  if (!failure || finalityOf(failure) !== 'refused') return error;
  return new CommandError(message, { exitCode, hint: `${hint ? `${hint}; ` : ''}${OPERATOR}`, cause: error });
}

async function report(
  { links, alreadyLinked, reload }: Bootstrapped,
  target: LinkTarget,
  output: OutputFormat,
): Promise<void> {
  const value = {
    links: links.map(({ name, files, notAfter }) => ({ name, files, notAfter: formatTime(notAfter) })),
    alreadyLinked,
    reload: reload.outcome,
    ...(target.namespace !== undefined && { namespace: target.namespace }),
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
