import { CommanderError } from 'commander';
import { RedemptionError } from '../domain/redemption-error.js';
import type { Checkpoint, Clock } from '../redemption/clock.js';
import { CommandError, type ExitCode } from './command-error.js';
import { adviceFor } from './exit-codes.js';
import { createProgram } from './program.js';

/** Runs the command line and gives its exit code; errors are one line of cause and one of what to do, on standard error. */
export async function runCommandLine(
  argv: readonly string[],
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): Promise<ExitCode> {
  try {
    await createProgram(context).parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { message, hint, exitCode } = describe(error);
    process.stderr.write(`error: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
    return exitCode;
  }
}

// Configuration and certificates that cannot be used; told by name, so that no command loads their modules for it.
const UNUSABLE = new Set([
  'ConfigurationError',
  'CertificateAuthorityError',
  'ServerIdentityError',
  'StoreOpenError',
  'StoreSchemaError',
]);

function describe(error: unknown): { message: string; hint?: string | undefined; exitCode: ExitCode } {
  if (error instanceof CommandError) return error;
  if (error instanceof RedemptionError) return { message: error.message, ...adviceFor(error.code) };
  const { name, message, hint } = error as Error & { hint?: string };
  if (UNUSABLE.has(name)) return { message, hint, exitCode: 2 };
  return { message: message || String(error), exitCode: 1 };
}
