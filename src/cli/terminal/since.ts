import { parseDuration } from '../../domain/duration.js';
import { CommandError } from './command-error.js';

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/i;

/**
 * Reads `--since`: a time (RFC 3339, or a date, which begins in UTC), or a duration before `now`; in milliseconds since
 * the epoch; undefined if the flag is absent. Throws a CommandError.
 */
export function parseSince(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const duration = parseDuration(value);
  if (duration !== undefined) return Math.max(0, now - duration);
  const time = TIME.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new CommandError(`--since cannot be "${value}"`, {
    exitCode: 2,
    hint: 'use a time such as 2031-03-04 or 2031-03-04T05:06:07Z, or a duration such as 90m or 7d',
  });
}
