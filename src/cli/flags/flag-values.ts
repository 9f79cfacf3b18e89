import { containsJoinLine } from '../../codes/join-line.js';
import { containsRequestLine } from '../../codes/request-line.js';
import { parseDuration } from '../../domain/duration.js';
import { isResourceName, isSubject } from '../../domain/names.js';
import type { UnreadableFileError } from '../../files/file-error.js';
import { CommandError, type ExitCode, invalidValue, usageError } from '../terminal/command-error.js';
import { readExternalText } from '../terminal/external-text.js';

/** Reads a whole number from 1 to 999,999,999 from a flag; undefined if the flag is absent. Throws a CommandError. */
export function parseCount(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value) && Number(value) >= 1) return Number(value);
  throw invalidValue(flag, value, 'use a whole number of at least 1');
}

/** Reads a duration longer than 0 from a flag, in milliseconds; undefined if the flag is absent. Throws a CommandError. */
export function parseWindow(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms !== undefined && ms > 0) return ms;
  throw invalidValue(flag, value, 'use a duration such as 90s, 15m, 1h30m or 7d');
}

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/i;

/**
 * Reads a time from a flag, in milliseconds since the epoch; undefined if the flag is absent. The value is a time (RFC 3339), a date
 * (midnight in UTC), or a duration before `now`, with `isAhead` after `now`. Throws a CommandError.
 */
export function parseTime(
  flag: string,
  value: string | undefined,
  now: number,
  { isAhead = false } = {},
): number | undefined {
  if (value === undefined) return undefined;
  const duration = parseDuration(value);
  if (duration !== undefined) return Math.max(0, isAhead ? now + duration : now - duration);
  const time = TIME.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw invalidValue(
    flag,
    value,
    'use a time such as 2031-03-04 or 2031-03-04T05:06:07Z, or a duration such as 90m or 7d',
  );
}

/** Reads a SHA-256 in hex from a flag, with or without white space and colons. Throws a CommandError. */
export function parseSha256(flag: string, value: string): string {
  const sha256 = value.replace(/[\s:]/g, '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw invalidValue(flag, value, 'use the 64 hex digits of the CA as the other side shows them');
}

/** Throws a CommandError for a name that no Kubernetes resource can have. */
export function requireResourceName(flag: string, name: string): void {
  if (!isResourceName(name)) throw invalidValue(flag, name, 'use lower-case letters, digits, - and .');
}

/**
 * Throws a CommandError for a text that cannot be the subject of a certificate. The message omits the text, which can be long.
 */
export function requireSubject(subject: string): void {
  if (isSubject(subject)) return;
  throw usageError('--subject is not valid', 'use 1 to 253 printable characters');
}

/** Reads a file or a pipe, or standard input for `-`. Rejects with a CommandError; `what` is the subject of its message. */
async function readInput(
  file: string,
  what: string,
  failure: { readonly exitCode: ExitCode; readonly hint: string },
): Promise<string> {
  try {
    return await readExternalText(file);
  } catch (error) {
    const { code, reason, hint } = error as UnreadableFileError;
    throw new CommandError(`${what} cannot be read: ${file === '-' ? '' : `${file}: `}${reason}`, {
      exitCode: failure.exitCode,
      // For a denied permission use the hint of the error, which is about the permissions of the file.
      hint: code === undefined || code === 'ENOENT' ? failure.hint : hint,
      cause: error,
    });
  }
}

/** Reads a code from a file, or from standard input for `-`, without one newline at the end. Rejects with a CommandError. */
export async function readCode(file: string): Promise<string> {
  const hint = 'use a file that contains only the code, or - for standard input';
  return (await readInput(file, 'the code file', { exitCode: 2, hint })).replace(/\n$/, '');
}

/** Reads a token file, or standard input for `-`; returns a join line as it is. Rejects with CommandError if a read fails. */
export async function readToken(file: string): Promise<string> {
  if (containsJoinLine(file)) return file;
  const hint = 'use the file that `linkgrant token issue` wrote, or - for standard input';
  return readInput(file, 'the token file', { exitCode: 1, hint });
}

/** Reads an answer file, or standard input for `-`. Rejects with a CommandError. */
export function readAnswerFile(file: string): Promise<string> {
  const hint = 'use the file that `linkgrant link issue` wrote, or - for standard input';
  return readInput(file, 'the answer file', { exitCode: 1, hint });
}

const MAX_REQUEST_TEXT = 64 * 1024;

/**
 * Reads a file of at most 64 KiB with a certificate request, or standard input for `-`. Returns a request line as it is, and a
 * join line too, for which the message of the refusal is clearer than that of a missing file. Rejects with a CommandError.
 */
export async function readRequest(where: string): Promise<string> {
  if (containsRequestLine(where) || containsJoinLine(where)) return where;
  const hint = 'use the file that `linkgrant link request` wrote, its line, or - for standard input';
  const text = await readInput(where, 'the certificate request', { exitCode: 2, hint });
  if (text.length <= MAX_REQUEST_TEXT) return text;
  throw usageError('the certificate request cannot be used: the text is longer than 64 KiB', hint);
}
