import type { ExitCode } from '../terminal/command-error.js';
import { plainLine } from '../terminal/plain-text.js';

/** The result of one check. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** The remedy of a warning or a failure. */
  readonly hint?: string;
  /** The exit code for this result; 0 unless it is a failure. */
  readonly exitCode: ExitCode;
}

/** A passed check. */
export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail, exitCode: 0 };
}

/** A check with a warning: it works now, but will fail later or is not secure. */
export function warn(name: string, detail: string, hint: string): Check {
  return { name, status: 'warn', detail, hint, exitCode: 0 };
}

/** A failed check: a link cannot be established. */
export function fail(name: string, detail: string, hint: string, exitCode: ExitCode = 1): Check {
  return { name, status: 'fail', detail, hint, exitCode };
}

/** The check result of one resource, to be merged with those of other resources of its kind. */
export interface Finding extends Omit<Check, 'name' | 'hint'> {
  /** Name of the resource. */
  readonly resource: string;
  /** The remedy, or a function that returns it for the space-separated names of all resources with this finding. */
  readonly hint?: string | ((names: string) => string);
}

const MAX_LISTED_NAMES = 5;

/**
 * Merges equal findings into one check. It is named `<noun> <resource>` for one resource, and `<noun>s` for several; then the
 * detail lists the resources.
 */
export function mergeFindings(noun: string, findings: readonly Finding[]): Check[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.status, finding.detail, String(finding.hint)]);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].map((group) => {
    const [{ resource, hint, ...finding }] = group as [Finding];
    const names = group.map((member) => member.resource);
    const hintText = typeof hint === 'function' ? hint(names.join(' ')) : hint;
    const nameList = names.slice(0, MAX_LISTED_NAMES).join(', ');
    const more = names.length > MAX_LISTED_NAMES ? ` and ${names.length - MAX_LISTED_NAMES} more` : '';
    return {
      ...finding,
      ...(hintText !== undefined && { hint: hintText }),
      ...(group.length === 1
        ? { name: `${noun} ${resource}` }
        : { name: `${noun}s`, detail: `${finding.detail} (${names.length}: ${nameList}${more})` }),
    };
  });
}

/** Formats the checks as text: one line for each check, and one for each hint. */
export function checksText(checks: readonly Check[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks
    .map(({ status, name, detail, hint }) => {
      const line = `${status.padEnd(4)}  ${name.padEnd(width)}  ${plainLine(detail)}\n`;
      return hint === undefined ? line : `${line}      hint: ${plainLine(hint)}\n`;
    })
    .join('');
}
