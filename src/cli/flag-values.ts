import { parseDuration } from '../domain/duration.js';
import { isResourceName } from '../domain/names.js';
import { readBoundedText } from '../files/bounded-text.js';
import { CommandError, type ExitCode } from './command-error.js';

/** What is said of a flag's value that cannot be. */
function wrongValue(flag: string, value: string, hint: string): CommandError {
  return new CommandError(`${flag} cannot be "${value}"`, { exitCode: 2, hint });
}

/** Reads a whole number from 1 to 999,999,999 from a flag; undefined when it was not given. Throws a CommandError. */
export function parseCount(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value) && Number(value) >= 1) return Number(value);
  throw wrongValue(flag, value, 'use a whole number of at least 1');
}

/** Reads a duration longer than 0 from a flag, in milliseconds; undefined when it was not given. Throws a CommandError. */
export function parseWindow(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms !== undefined && ms > 0) return ms;
  throw wrongValue(flag, value, 'use a duration such as 90s, 15m, 1h30m or 7d');
}

/** Throws a CommandError for a name that no Kubernetes resource can have. */
export function requireResourceName(flag: string, name: string): void {
  if (!isResourceName(name)) throw wrongValue(flag, name, 'use lower-case letters, digits, - and .');
}

/** The text of a file, or of standard input for `-`; a CommandError that says so of `what` when it cannot be read. */
function readInput(
  file: string,
  what: string,
  failure: { readonly exitCode: ExitCode; readonly hint: string },
): string {
  try {
    return readBoundedText(file === '-' ? 0 : file);
  } catch (error) {
    throw new CommandError(`${what} cannot be read: ${(error as Error).message}`, {
      ...failure,
      cause: error,
    });
  }
}

/** The code in a file, or on standard input for `-`: its text without one newline at the end. Throws a CommandError. */
export function readCode(file: string): string {
  const hint = 'name a file that holds the code alone, or - for standard input';
  return readInput(file, 'the code file', { exitCode: 2, hint }).replace(/\n$/, '');
}

/** The text of a token file, or of standard input for `-`, unjudged. Throws a CommandError when it cannot be read. */
export function readToken(file: string): string {
  const hint = 'name the file that `linkgrant token issue` wrote, or - for standard input';
  return readInput(file, 'the token file', { exitCode: 1, hint });
}
