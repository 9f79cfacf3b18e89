import { shell } from '../../domain/shell-words.js';
import { formatPolicySettings } from '../../redemption/accepting/policy-settings.js';
import type { CreatedGrantReport } from '../../redemption/administration/reports/grant-report.js';
import { parseCount, parseWindow, readCode } from '../flags/flag-values.js';
import { type LabelFlags, newLabels } from '../flags/label-flags.js';
import { type AdministrationSession, withAdministration } from '../session/administration-session.js';
import { usageError } from '../terminal/command-error.js';
import { fields, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { withProgress } from '../terminal/progress.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { deliver } from '../terminal/write-out.js';
import { requireWritable } from '../token/secret-output.js';
import { tokenDelivery } from '../token/token-forms.js';
import { writeToken } from '../token/token-output.js';
import { grantFields } from './grant-fields.js';
import type { PolicyFlags } from './policy-flags.js';
import { policyFromFlags, warnOfKeyTypes } from './policy-values.js';
import { rollbackOnFailure } from './rollback-grant.js';

/** The flags of every command on grants, including settings. Without `namespace` the namespace of the session applies. */
export interface GrantFlags {
  readonly namespace?: string;
  readonly output?: OutputFormat;
  readonly [flag: string]: unknown;
}

/** The flags of commands that create a grant. */
export interface GrantCreateFlags extends GrantFlags, PolicyFlags, LabelFlags {
  readonly redemptionsAllowed?: string;
  readonly expirationWindow?: string;
  readonly issuer?: string;
  readonly codeFile?: string;
  /** A file for the token of the grant, or `-` for standard output. */
  readonly token?: string;
  readonly dryRun?: boolean;
}

/** Creates the grant that the flags describe. Rejects with a CommandError for an invalid flag. */
export async function createGrantFromFlags(
  name: string,
  flags: GrantCreateFlags,
  { administration, namespace }: AdministrationSession,
): Promise<CreatedGrantReport> {
  const { issuer, expirationWindow, codeFile } = flags;
  const policy = policyFromFlags(flags);
  parseWindow('--expiration-window', expirationWindow);
  const request = {
    namespace,
    name,
    redemptionsAllowed: parseCount('--redemptions-allowed', flags.redemptionsAllowed),
    expirationWindow,
    code: codeFile === undefined ? undefined : await readCode(codeFile),
    issuer,
    policy: formatPolicySettings(policy),
    ...newLabels(flags),
  };
  // In a cluster this waits until the grant is Ready.
  const created = await withProgress('Creating the grant', () => administration.createGrant(request));
  warnOfKeyTypes(policy);
  return created;
}

/** `grant create`: creates a grant and prints its URL and code; with `--token` writes a token of it instead. */
export async function grantCreateCommand(name: string, flags: GrantCreateFlags): Promise<void> {
  if (flags.token === '-' && flags.output !== undefined) {
    throw usageError('--token - and -o both write to standard output', 'set --token to a file, or omit -o');
  }
  await withAdministration(flags, async (session) => {
    const { administration } = session;
    const created = await createGrantFromFlags(name, flags, session);
    if (flags.dryRun) {
      if (flags.token !== undefined) requireWritable(flags.token, 'AccessToken');
      return printNewGrant(created, flags.output);
    }
    if (flags.token !== undefined) {
      const delivery = tokenDelivery(flags.token);
      await rollbackOnFailure(created, administration, () =>
        writeToken(created, delivery, {}, administration),
      );
      // Only the token contains the code, not the report.
      const { code: _code, ...report } = created;
      await print(flags.output, report, () => '');
      return;
    }
    const namespaceFlag = flags.namespace === undefined ? '' : shell` -n ${flags.namespace}`;
    const issue = shell`linkgrant token issue TOKEN --grant ${created.name}` + namespaceFlag;
    const tokenCommand = completeCommand(issue, flags);
    await rollbackOnFailure(created, administration, () =>
      print(
        flags.output,
        created,
        () =>
          [
            fields([
              ['Grant', created.name],
              ['URL', created.url],
              ['Code', created.code],
              ['Uses', created.redemptionsAllowed],
              [
                'Expires',
                created.expirationTime ?? 'its expiration window starts when the service has an --endpoint',
              ],
            ]),
            session.readCode
              ? `\`${tokenCommand}\` writes a token. Anyone who may read the AccessGrant can read the code.\n`
              : `The code is shown only now. If you store it in a file, \`${completeCommand(`${issue} --code-file FILE`, flags)}\` writes a token.\nSigned tokens, each with its own limits, need no code: \`${tokenCommand}\`.\n`,
            created.policy?.['linkgrant/identities'] === undefined
              ? ''
              : `Sites with one of its identities need no code: \`${completeCommand(shell`linkgrant grant show ${created.name}` + namespaceFlag, flags)}\` prints their join line.\n`,
            created.redemptionsAllowed > 1
              ? 'Several sites can share the code; each response to a client that sends no CSR counts, even if it is lost.\n'
              : '',
          ].join(''),
        deliver,
      ),
    );
  });
}

/** Prints the grant that a dry run would create, without code and URL. */
export async function printNewGrant(
  { code: _code, url: _url, ...report }: CreatedGrantReport,
  output: OutputFormat,
): Promise<void> {
  await print(output, report, () => grantFields(report));
}
