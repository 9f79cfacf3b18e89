import { basename } from 'node:path';
import { requestCodeId } from '../../codes/code-id.js';
import { readAnswerCertificate } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { operand, shell, shellWord } from '../../domain/shell-words.js';
import { requireReplaceable, writeNamedFile } from '../../files/named-output.js';
import type { Administration } from '../../redemption/administration/administration.js';
import { AFTER_REVOCATION } from '../../redemption/administration/remaining.js';
import type { GrantReport } from '../../redemption/administration/reports/grant-report.js';
import type { IssuedAnswer } from '../../redemption/administration/reports/issued-answer.js';
import { readTokenRequest } from '../../redemption/administration/token-request.js';
import { everyItem } from '../../redemption/ports/page.js';
import { readRequest, requireResourceName, requireSubject } from '../flags/flag-values.js';
import { rollbackOnFailure } from '../grant/rollback-grant.js';
import { namedRedemption } from '../redemption/named-redemption.js';
import { type AdministrationSession, withAdministration } from '../session/administration-session.js';
import { CommandError } from '../terminal/command-error.js';
import { formatFingerprint } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { withTargetErrors } from '../terminal/target-errors.js';
import { deliver, writeStderr, writeStderrLines } from '../terminal/write-out.js';

const TARGET_HINT = 'use a new path in an existing, writable directory, or omit ANSWER for standard output';
const DIGITS_IN_NAME = 8;

/** The flags of `link issue`. */
export interface LinkIssueFlags {
  readonly request: string;
  readonly grant?: string;
  readonly name?: string;
  readonly subject?: string;
  readonly replaces?: string | undefined;
  readonly [setting: string]: unknown;
}

/** `link issue`: answers a certificate request, without a network between the sites. */
export async function linkIssueCommand(file: string | undefined, flags: LinkIssueFlags): Promise<void> {
  const { name, grant: grantName } = flags;
  if (name !== undefined) requireResourceName('--name', name);
  if (flags.subject !== undefined) requireSubject(flags.subject);
  const text = await readRequest(flags.request);
  const { keySha256, subject, pem } = readTokenRequest(text, flags.subject ?? flags.replaces);
  const target = file === '-' ? undefined : file;
  // Before a use is counted.
  if (target !== undefined) withTargetErrors(target, TARGET_HINT, () => requireReplaceable(target, isAnswer));
  await withAdministration(flags, async (session) => {
    const { administration, namespace } = session;
    const replaces = flags.replaces && (await namedRedemption(flags.replaces, administration));
    // A link that is replaced has the subject.
    const names = { name, subject: replaces ? flags.subject : subject, replaces };
    const issueFrom = ({ uid: grantUid }: Pick<GrantReport, 'uid'>) =>
      administration.issueLink({ grantUid, ...names, request: pem });
    const issued =
      grantName === undefined
        ? await issueFromOwnGrant({ keySha256, replaces }, issueFrom, flags, session)
        : await issueFrom(await administration.findGrant(namespace, grantName));
    requireAnswerFor(keySha256, issued);
    if (target === undefined) await deliver(issued.answer);
    else withTargetErrors(target, TARGET_HINT, () => writeNamedFile(target, issued.answer, isAnswer));
    reportIssued(issued, target, { ...flags, replaces });
  });
}

/** Issues a link from a new grant for one redemption; if the command is repeated, from the grant of the first run. */
async function issueFromOwnGrant(
  { keySha256, replaces }: { readonly keySha256: string; readonly replaces: string | undefined },
  issueFrom: (grant: Pick<GrantReport, 'uid'>) => Promise<IssuedAnswer>,
  { name = `link-${keySha256.slice(0, DIGITS_IN_NAME)}` }: LinkIssueFlags,
  { administration, namespace }: AdministrationSession,
): Promise<IssuedAnswer> {
  const id = requestCodeId(keySha256, replaces);
  const earlier = await findGrantOf(id, name, namespace, administration);
  if (earlier) return issueFrom(earlier).catch((error) => explainEnded(error, earlier));
  // In a cluster this waits until the grant is Ready.
  const grant = await withProgress('Creating the grant', () =>
    administration.createGrant({ namespace, name, redemptionsAllowed: 1, note: noteFor(id) }),
  );
  await commandContext().checkpoint('grant-created');
  return rollbackOnFailure(grant, administration, () => issueFrom(grant));
}

/** Returns the note of a grant that was created for the request with this id. */
function noteFor(id: string): string {
  return `for the certificate request ${id}`;
}

/** Returns the grant of that name if a request with this id has used it, or if a run that crashed created it for this request. */
async function findGrantOf(id: string, name: string, namespace: string, administration: Administration) {
  const grant = await administration.findGrant(namespace, name).catch((error: unknown) => {
    if (error instanceof AdministrationError && error.code === 'no_such_grant') return undefined;
    throw error;
  });
  if (!grant || grant.note === noteFor(id)) return grant;
  const tokens = await everyItem((page) => administration.listTokens({ ...page, grantUid: grant.uid }));
  return tokens.some((token) => token.id === id) ? grant : undefined;
}

/** Throws the error of an issue from the grant of an earlier run. If this grant is unused and has ended, the hint is how to delete it. */
function explainEnded(cause: unknown, { name, namespace, redemptions }: GrantReport): never {
  if (!(cause instanceof AdministrationError && cause.code === 'grant_state') || redemptions > 0) throw cause;
  throw new CommandError(cause.message, {
    exitCode: 1,
    hint: shell`an earlier run created this grant and did not use it: delete it with \`linkgrant grant delete ${name} -n ${namespace}\`, then repeat this command`,
    cause,
  });
}

/** Throws a CommandError if a service returned the certificate of another key, or no certificate. */
function requireAnswerFor(keySha256: string, { answer }: IssuedAnswer): void {
  if (readAnswerCertificate(answer).keySha256 === keySha256) return;
  throw new CommandError('the service issued a certificate for another key than that of the request', {
    exitCode: 3,
    hint: 'check that --server is the URL of your service',
  });
}

/** True for the text of an answer. */
function isAnswer(text: string): boolean {
  try {
    readAnswerCertificate(text);
    return !text.includes('tls.key');
  } catch {
    return false;
  }
}

function reportIssued(issued: IssuedAnswer, file: string | undefined, flags: LinkIssueFlags): void {
  const { redemptionId, name, subject, endpoints, caSha256, renewal, notAfter, replayed } = issued;
  const revocation = completeCommand(shell`linkgrant redemption revoke ${redemptionId}`, flags);
  writeStderrLines([
    ...(file === undefined ? [] : [`Answer written to ${file}`]),
    ...(replayed
      ? ['The request was answered before: this is the same certificate, no use was counted']
      : []),
    ...(flags.replaces
      ? [`It replaces redemption ${flags.replaces}, which is revoked: ${AFTER_REVOCATION}`]
      : []),
    `Link "${name}" to ${endpoints.map(formatEndpoint).join(', ')}`,
    `The certificate of "${subject}" is valid until ${notAfter}`,
    ...(renewal ? [`A site with a network can renew it at ${new URL(renewal.url).origin}`] : []),
    `Revoke with \`${revocation}\``,
    `Key SHA-256 ${formatFingerprint(issued.keySha256)}`,
    ...caLines(caSha256, renewal?.caSha256),
    'Compare these with the other site. The answer is no secret: only the site with this key can use it.',
  ]);
  const input = file === undefined ? 'FILE with this answer' : shellWord(operand(basename(file)));
  writeStderr(
    `Next, on the other site: linkgrant link accept ${input}, with --to DIRECTORY, or with --platform and the platform of the site\n`,
    { isForOtherSite: true },
  );
}

/** Returns the fingerprints of the CAs of a link and of the service that renews it, as lines. */
export function caLines(caSha256: readonly string[], renewalCaSha256: readonly string[] = []): string[] {
  return [
    ...caSha256.map((sha256) => `CA SHA-256  ${formatFingerprint(sha256)}`),
    ...renewalCaSha256.map((sha256) => `CA SHA-256  ${formatFingerprint(sha256)} (only for --renew-at)`),
  ];
}
