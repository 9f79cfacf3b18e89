import type { AccessGrant } from '../domain/access-grant.js';
import { isUuid } from '../domain/names.js';
import type { CreatedGrant } from '../redemption/create-grant.js';
import { createGrant } from '../redemption/create-grant.js';
import type { Attempt, GrantStore } from '../redemption/grant-store.js';
import { isDeclared } from '../system-side.js';
import { policyOf } from './asked-policy.js';
import { CommandError } from './command-error.js';
import { everyItem } from './every-item.js';
import { parseCount, parseWindow, readCode } from './flag-values.js';
import { grantFields, grantReport } from './grant-report.js';
import { requireLinkAccess } from './link-access.js';
import { orUnmade } from './made-grant.js';
import { namespaceFlag, nothingListed } from './namespace-words.js';
import { fields, formatTime, print, table } from './output.js';
import type { OutputFormat } from './output-format.js';
import type { PolicyFlags } from './policy-flags.js';
import { requireService, type StoreSession, withStore } from './store-session.js';
import { writeToken } from './token-output.js';
import { writeOut } from './write-out.js';

const LAST_ATTEMPTS = 10;

/** The flags of every command on grants; without `namespace` the session tells it, the rest are settings of the store. */
export interface GrantFlags {
  readonly namespace?: string;
  readonly output?: OutputFormat;
  readonly [flag: string]: unknown;
}

/** The flags of what makes a grant, as they were typed; `token` is a file, or `-` for standard output. */
export interface GrantCreateFlags extends GrantFlags, PolicyFlags {
  readonly redemptionsAllowed?: string;
  readonly expirationWindow?: string;
  readonly issuer?: string;
  readonly codeFile?: string;
  readonly token?: string;
}

/** Makes a grant from flags, or says why it cannot be. */
export async function makeGrant(
  name: string,
  flags: GrantCreateFlags,
  session: StoreSession,
): Promise<CreatedGrant> {
  const { namespace } = session;
  const { issuer = null } = flags;
  const policy = policyOf(flags);
  const { endpoints } = await requireLinkAccess(session, { namespace, name, issuer });
  const made = await createGrant(
    {
      namespace,
      name,
      redemptionsAllowed: parseCount('--redemptions-allowed', flags.redemptionsAllowed),
      expirationWindowMs: parseWindow('--expiration-window', flags.expirationWindow),
      code: flags.codeFile === undefined ? undefined : await readCode(flags.codeFile),
      issuer: flags.issuer,
      policy,
    },
    endpoints.length > 0,
    { store: session.store, clock: Date.now },
  );
  if ('rejected' in made) {
    throw new CommandError(`the grant was not made: ${made.rejected}`, {
      exitCode: 2,
      hint: 'choose another value; `linkgrant grant list -A` shows the grants that there are',
    });
  }
  return made;
}

/** The grant that a name or uid means. */
export async function requireGrant(
  store: GrantStore,
  namespace: string,
  nameOrUid: string,
): Promise<AccessGrant> {
  const grant =
    (isUuid(nameOrUid) ? await store.findGrant(nameOrUid) : undefined) ??
    (await store.findGrantByName(namespace, nameOrUid));
  if (grant) return grant;
  throw new CommandError(`there is no grant "${nameOrUid}" in namespace "${namespace}"`, {
    exitCode: 1,
    hint: 'see `linkgrant grant list -A`',
  });
}

function attemptReport(attempt: Attempt) {
  const { at, outcome, name, subject, peer, redemptionId, count } = attempt;
  return {
    at: formatTime(at),
    outcome,
    name,
    subject,
    peer,
    count,
    ...(redemptionId !== null && { redemptionId }),
  };
}

/**
 * `grant create`: makes a grant and shows its URL and code, or writes its token to `--token`. Where neither can be shown
 * the grant is deleted again.
 */
export async function createCommand(name: string, flags: GrantCreateFlags): Promise<void> {
  await withStore(flags, async (session) => {
    const made = await makeGrant(name, flags, session);
    const { grant, code } = made;
    if (flags.token !== undefined) {
      await writeToken(made, flags.token, {}, session);
      return;
    }
    const service = requireService(session);
    const token = `linkgrant token issue TOKEN --grant ${grant.name}${namespaceFlag(session)}`;
    await orUnmade(grant, session, () =>
      print(flags.output, { ...grantReport(grant), url: `${service.url}/${grant.uid}`, code }, () =>
        [
          fields([
            ['Grant', grant.name],
            ['URL', `${service.url}/${grant.uid}`],
            ['Code', code],
            ['Uses', grant.redemptionsAllowed],
            [
              'Ends',
              grant.expirationTime === null
                ? 'its clock starts when the service has an --endpoint'
                : formatTime(grant.expirationTime),
            ],
          ]),
          `The code is shown this once. With it in a file, \`${token} --code-file FILE\` writes a token.\n`,
          `Signed tokens, each with limits of its own, need no code: \`${token}\`.\n`,
          grant.redemptionsAllowed > 1
            ? 'Several sites can share it; each answer to a client that sends no CSR counts, also one that got lost.\n'
            : '',
        ].join(''),
      ),
    );
  });
}

/** `grant list`: shows the grants of `--namespace`, or of all, with their states. */
export async function listCommand(flags: GrantFlags & { readonly allNamespaces?: boolean }): Promise<void> {
  await withStore(flags, async ({ store, namespace }) => {
    const within = flags.allNamespaces ? {} : { namespace };
    const grants = await everyItem((page) => store.listGrants({ ...page, ...within }));
    const reports = grants.map(grantReport);
    await print(flags.output, reports, () =>
      reports.length === 0
        ? nothingListed('grants', namespace, flags.allNamespaces)
        : table(
            ['NAME', 'STATE', 'REDEMPTIONS', 'EXPIRATION', 'UID'],
            reports.map((grant) => [
              grant.name,
              grant.state,
              `${grant.redemptions}/${grant.redemptionsAllowed}`,
              grant.expirationTime ?? '-',
              grant.uid,
            ]),
          ),
    );
  });
}

/** `grant show`: shows one grant and the last 10 attempts at it. */
export async function showCommand(nameOrUid: string, flags: GrantFlags): Promise<void> {
  await withStore(flags, async ({ store, service, namespace }) => {
    const grant = await requireGrant(store, namespace, nameOrUid);
    const codes = await everyItem((page) => store.listCodes({ ...page, grantUid: grant.uid }));
    const report = {
      ...grantReport(grant),
      ...(service && { url: `${service.url}/${grant.uid}` }),
      signedTokens: codes.length,
      signedTokensRevoked: codes.filter(({ revokedAt }) => revokedAt !== null).length,
    };
    const attempts = (await store.listAttempts(grant.uid, LAST_ATTEMPTS)).map(attemptReport);
    await print(flags.output, { ...report, attempts }, () =>
      [
        grantFields(report),
        '\nLast attempts\n',
        attempts.length === 0
          ? 'none\n'
          : table(
              ['TIME', 'OUTCOME', 'NAME', 'SUBJECT', 'FROM', 'COUNT'],
              attempts.map(({ at, outcome, name, subject, peer, count }) => [
                at,
                outcome,
                name,
                subject,
                peer,
                String(count),
              ]),
            ),
      ].join(''),
    );
  });
}

/** `grant delete`: removes a grant; what was redeemed from it stays in the ledger. */
export async function deleteCommand(nameOrUid: string, flags: GrantFlags): Promise<void> {
  await withStore(flags, async ({ store, service, namespace }) => {
    const grant = await requireGrant(store, namespace, nameOrUid);
    if (service?.system && isDeclared(service.system, grant)) {
      throw new CommandError(
        `grant "${grant.name}" is declared by the file ${grant.sourceFile} and would be made anew, with all its uses`,
        {
          exitCode: 1,
          hint: 'remove the file from input/resources, and the service deletes the grant; or revoke it with `linkgrant grant revoke`',
        },
      );
    }
    await store.deleteGrant(grant.uid);
    await writeOut(
      `Grant "${grant.name}" is deleted. Its redemptions stay in the ledger; links made from it stay.\n`,
    );
  });
}
