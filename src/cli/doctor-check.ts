import type { ExitCode } from './command-error.js';
import { plainLine } from './plain-text.js';

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it; of a warning or a failure. */
  readonly hint?: string;
  /** How the command ends because of it; 0 unless it is a failure. */
  readonly exitCode: ExitCode;
}

/** A check that found nothing wrong. */
export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail, exitCode: 0 };
}

/** A check that found what works now and will not, or should not. */
export function warn(name: string, detail: string, hint: string): Check {
  return { name, status: 'warn', detail, hint, exitCode: 0 };
}

/** A check that found what keeps a link from being made. */
export function fail(name: string, detail: string, hint: string, exitCode: ExitCode = 1): Check {
  return { name, status: 'fail', detail, hint, exitCode };
}

/** One line a check, and one for each hint. */
export function checksText(checks: readonly Check[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks
    .map(({ status, name, detail, hint }) => {
      const line = `${status.padEnd(4)}  ${name.padEnd(width)}  ${plainLine(detail)}\n`;
      return hint === undefined ? line : `${line}      hint: ${plainLine(hint)}\n`;
    })
    .join('');
}
