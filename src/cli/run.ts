import { basename } from 'node:path';
import type { Writable } from 'node:stream';
import { type Command, CommanderError } from 'commander';
import {
  commandContext,
  type Environment,
  type ProgramName,
  runInContext,
} from '../config/command-context.js';
import { version } from '../config/version.js';
import { COMMAND_EXPORT_MS, startTracing, type TracingReport } from '../tracing/start-tracing.js';
import { createProgram } from './program.js';
import type { ExitCode } from './terminal/command-error.js';
import { plainLine } from './terminal/plain-text.js';
import { withProgramName } from './terminal/program-name.js';
import { writeOut } from './terminal/write-out.js';

/** The file names under which kubectl finds its plugin, and the program that completes the plugin's command lines. */
const PLUGIN = 'kubectl-linkgrant';
const PLUGIN_COMPLETION = 'kubectl_complete-linkgrant';
// `serve` starts tracing itself, to report problems in its log; `__complete` returns names to a shell that waits for them.
const STARTED_WITHOUT_TRACING = new Set(['serve', '__complete']);

/** True if a shell or kubectl completes a command line with this program. */
export function isCompletion([, file = '', command]: readonly string[]): boolean {
  return command === '__complete' || basename(file) === PLUGIN_COMPLETION;
}

/**
 * Runs a command and returns its exit code. A failed command writes an error and a hint to `stderr`, one line each. If the file
 * in `argv` is `kubectl-linkgrant` or `kubectl_complete-linkgrant`, the program is a kubectl plugin.
 */
export async function runCommandLine(argv: readonly string[], context = commandContext()): Promise<ExitCode> {
  // An error event without a listener would end the process. The callback of each write reports its error.
  for (const stream of [context.stdout, context.stderr]) stream.on('error', () => undefined);
  const file = basename(argv[1] ?? '');
  return runInContext(context, programOf(file, context.env), async () => {
    let stopTracing = async () => {};
    let started: Command | undefined;
    try {
      const program = createProgram().hook('preAction', async (_program, command) => {
        started = command;
        if (STARTED_WITHOUT_TRACING.has(command.name())) return;
        stopTracing = await startTracing({
          env: context.env,
          version: version(),
          report: tracingWarnings(context.stderr),
          timeoutMs: COMMAND_EXPORT_MS,
        });
      });
      if (file === PLUGIN_COMPLETION) {
        const { kubectlCompletion } = await import('./completion.js');
        await writeOut(await kubectlCompletion(program, argv.slice(2)));
      } else {
        await program.parseAsync([...argv]);
      }
      return 0;
    } catch (error) {
      if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
      return await reportFailure(error, started, context.stderr);
    } finally {
      await stopTracing();
    }
  });
}

/** Writes the error and the hint of a failure. `started` is the command that failed; undefined if none had started. */
async function reportFailure(
  error: unknown,
  started: Command | undefined,
  stderr: Writable,
): Promise<ExitCode> {
  // Loaded only here: most commands do not fail.
  const { describeFailure } = await import('./terminal/failure.js');
  const { completeFailureHint } = await import('./terminal/suggested-command.js');
  const { message, hint, exitCode } = describeFailure(error);
  const line = (word: string, text: string) => stderr.write(`${word}: ${plainLine(text)}\n`);
  line('error', withProgramName(message));
  if (hint !== undefined) {
    line(
      'hint',
      started
        ? completeFailureHint(hint, `linkgrant ${commandPath(started)}`, started.opts())
        : withProgramName(hint),
    );
  }
  return exitCode;
}

/** Returns the words of a command after the name of the program, such as `issuer retire`. */
function commandPath(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${commandPath(parent)} ${command.name()}` : command.name();
}

function tracingWarnings(stderr: Writable): TracingReport {
  const warn = (what: string, reason: string) => stderr.write(`warning: ${what}: ${plainLine(reason)}\n`);
  return {
    off: (reason) => warn('no traces are recorded', reason),
    failing: (reason) => reason !== undefined && warn('traces were not exported', reason),
  };
}

/** Returns the words with which the user can run the next command; in a checkout (`npm start`, `npx`) `npx linkgrant`. */
function programOf(file: string, env: Environment): ProgramName {
  if (file === PLUGIN || file === PLUGIN_COMPLETION) return 'kubectl linkgrant';
  const { npm_package_name: name, npm_lifecycle_event: event, npm_lifecycle_script: script = '' } = env;
  const isNpm = event === 'start' || (event === 'npx' && /^'?linkgrant\b/.test(script));
  return isNpm && name === 'linkgrant' ? 'npx linkgrant' : 'linkgrant';
}
