import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { certificateState } from '../../domain/issued-certificate.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import type { HealthFinding } from '../../redemption/administration/reports/health-report.js';
import type { ExitCode } from '../terminal/command-error.js';
import { adviceFor, type ErrorCode } from '../terminal/exit-codes.js';
import { describeFailure } from '../terminal/failure.js';
import { formatTime } from '../terminal/output.js';
import { plainLine } from '../terminal/plain-text.js';
import { withProgramName } from '../terminal/program-name.js';
import type { IdentityFlags } from '../token/site-identity.js';
import type { GrantUrlFlags } from '../token/token-file.js';

/** What `doctor` checks beside the settings. */
export interface DoctorInput extends IdentityFlags, Pick<GrantUrlFlags, 'ca' | 'caSha256'> {
  /** The file of a token. */
  readonly token?: string | undefined;
  /** The grant that an identity token is checked against. */
  readonly grant?: string | undefined;
  /** The directory for the Link of the token. */
  readonly to?: string | undefined;
  /** The requested name of the Link. */
  readonly name?: string | undefined;
  /** The requested subject. */
  readonly subject?: string | undefined;
  /** The file of the key that the token is bound to, if `link request` did not make it. */
  readonly key?: string | undefined;
}

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

const FINDING_STATUS = { ok: 'ok', warn: 'warning', fail: 'error' } as const;

/** Returns a check as the web console shows it. */
export function findingOf({ name: check, status, detail: message, hint: remedy }: Check): HealthFinding {
  return {
    check,
    status: FINDING_STATUS[status],
    message,
    ...(remedy !== undefined && { remedy: withProgramName(remedy) }),
  };
}

/** A passed check. */
export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail, exitCode: 0 };
}

/** A check with a warning: a problem that prevents no link now, or something that could not be checked. */
export function warn(name: string, detail: string, hint: string): Check {
  return { name, status: 'warn', detail, hint, exitCode: 0 };
}

/** A failed check: something that has to be corrected. `exitCode` is that of `doctor` if no other failure is worse. */
export function fail(name: string, detail: string, hint: string, exitCode: ExitCode = 1): Check {
  return { name, status: 'fail', detail, hint, exitCode };
}

/** Returns a failed check with the exit code and the hint of an error code. */
export function failWithCode(name: string, detail: string, code: ErrorCode): Check {
  const { hint, exitCode } = adviceFor(code);
  return fail(name, detail, hint, exitCode);
}

/** Returns a failed check for an error; `defaultHint` applies if the error has no hint. */
export function failWithError(name: string, error: unknown, defaultHint: string): Check {
  const { message, hint = defaultHint, exitCode } = describeFailure(error);
  return fail(name, message, hint, exitCode);
}

/** The check result of one resource, to be merged with those of other resources of its kind; its name is that of the resource. */
export interface Finding extends Omit<Check, 'hint'> {
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
    const [{ name, hint, ...finding }] = group as [Finding];
    const names = group.map((member) => member.name);
    const hintText = typeof hint === 'function' ? hint(names.join(' ')) : hint;
    const nameList = names.slice(0, MAX_LISTED_NAMES).join(', ');
    const more = names.length > MAX_LISTED_NAMES ? ` and ${names.length - MAX_LISTED_NAMES} more` : '';
    return {
      ...finding,
      ...(hintText !== undefined && { hint: hintText }),
      ...(group.length === 1
        ? { name: `${noun} ${name}` }
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

/** Returns a failed check as a warning, because it matters only to a site that accepts links. Returns other checks unchanged. */
export function downgradeToWarning(check: Check): Check {
  if (check.status !== 'fail') return check;
  return warn(check.name, check.detail, `needed only if this site accepts links: ${check.hint}`);
}

/** Returns the checks of `run`, or a failed check if it rejects; `defaultHint` applies if the error has no hint. */
export async function checksOf(
  name: string,
  run: () => Promise<readonly Check[]>,
  defaultHint = 'check it with kubectl',
): Promise<readonly Check[]> {
  try {
    return await run();
  } catch (error) {
    return [failWithError(name, error, defaultHint)];
  }
}

/** Checks that a certificate is valid and does not expire soon; `renewal` is the hint for its replacement. */
export function certificateCheck(name: string, pem: string, now: number, renewal: string): Check {
  let info: ReturnType<typeof describeCertificate>;
  try {
    info = describeCertificate(pem);
  } catch (error) {
    return fail(name, `it cannot be read: ${(error as Error).message}`, renewal);
  }
  const { subject, notBefore, notAfter } = info;
  const until = formatTime(notAfter);
  switch (certificateState({ notBefore, notAfter }, now)) {
    case 'valid':
      return ok(name, `${subject}, until ${until}`);
    case 'expiring':
      return warn(name, `${subject} expires at ${until}: a third of its lifetime or less is left`, renewal);
    case 'expired':
      return fail(name, `${subject} expired at ${until}`, renewal, 3);
    case 'early': {
      const detail = `${subject} is valid only from ${formatTime(notBefore)}; the clock of this machine is at ${formatTime(now)}`;
      return fail(name, detail, 'correct the clock of this machine', 4);
    }
  }
}

/** Checks the first certificate of a file as {@link certificateCheck} does; ignores a private key in the file. */
export function certificateFileCheck(name: string, file: string, now: number, renewal: string): Check {
  try {
    const pem = readFileSync(file, 'utf8').replace(
      /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/g,
      '',
    );
    return certificateCheck(name, pem, now, renewal);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    return fail(
      name,
      `${file} cannot be read (${code})`,
      'correct the path, or run `linkgrant doctor` as the user of the service',
      2,
    );
  }
}

/** Checks that files can be created in a directory, or that the missing directory can be created. Creates nothing. */
export function writableCheck(name: string, directory: string): Check {
  let at = resolve(directory);
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const hint = 'make it writable for this user, or use another directory';
  try {
    if (!statSync(at).isDirectory()) return fail(name, `${at} is not a directory`, 'use another directory');
    accessSync(at, constants.W_OK | constants.X_OK);
  } catch (error) {
    return fail(name, `${at} cannot be written (${(error as NodeJS.ErrnoException).code})`, hint);
  }
  return ok(name, at === resolve(directory) ? `${directory} is writable` : `${directory} can be created`);
}
