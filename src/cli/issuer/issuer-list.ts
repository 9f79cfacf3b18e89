import { type IssuerPlace, issuerDirectory } from '../../compose/issuer-directory.js';
import { systemOf } from '../../compose/system-sites.js';
import { everyItem } from '../../redemption/administration/every-item.js';
import type { AuthorityReport, IssuerReport } from '../../redemption/administration/issuer-report.js';
import { issuerOperations } from '../../redemption/administration/issuers.js';
import { print, table } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { writeStderr } from '../terminal/write-out.js';
import {
  type IssuerContext,
  type IssuerFlags,
  type IssuerSession,
  platformOf,
  withIssuers,
} from './issuer-session.js';

/** A CA in a listing. */
interface ListedCa extends Omit<AuthorityReport, 'role' | 'state' | 'replacedAt'> {
  readonly issuer: string;
  /** Namespace of its site; null outside system platforms. */
  readonly namespace: string | null;
  /** Who rotates the CA; `external` for the CA of `--issuer-cert`. */
  readonly owner: IssuerReport['owner'];
  /** Its role in the issuer. */
  readonly state: AuthorityReport['role'];
}

/** `issuer list`: prints the CAs of each issuer, and how many links depend on each. */
export async function listIssuersCommand(
  { output, ...flags }: IssuerFlags & { readonly output?: OutputFormat },
  context: IssuerContext,
): Promise<void> {
  await withIssuers(flags, context, async (session) => {
    const { listIssuers } = issuerOperations({
      issuers: issuerDirectory(
        { ...session.settings, readService: async () => placeOf(session) },
        context.clock,
      ),
      store: session.store,
      clock: context.clock,
    });
    const issuers = await everyItem(listIssuers);
    for (const { name, namespace, problem } of issuers) {
      if (problem === undefined) continue;
      const issuer = namespace === undefined ? name : `${namespace}/${name}`;
      writeStderr(`Issuer ${issuer} cannot be used: ${problem}\n`);
    }
    const rows = issuers.flatMap((issuer) => rowsOf(issuer, session));
    await print(output, rows, () =>
      table(
        ['ISSUER', 'STATE', 'SUBJECT', 'VALID UNTIL', 'LINKS', 'OWNER', 'SHA-256'],
        rows.map((ca) => [
          ca.namespace === null ? ca.issuer : `${ca.namespace}/${ca.issuer}`,
          ca.state,
          ca.subject,
          ca.notAfter,
          ca.links === null ? '-' : String(ca.links),
          ca.owner,
          ca.sha256.slice(0, 16),
        ]),
      ),
    );
  });
}

/** The system sites by the settings, else by the service; without them the CA that the service published. */
function placeOf(session: IssuerSession): Awaited<ReturnType<IssuerPlace['readService']>> {
  const { settings, service } = session;
  const isSystem = platformOf(session) !== 'standalone';
  return isSystem ? { system: service?.system ?? systemOf(settings) } : service && { issuer: service.issuer };
}

function rowsOf(
  { name, namespace, owner, authorities }: IssuerReport,
  { settings }: IssuerSession,
): ListedCa[] {
  // An external CA has no name that commands accept.
  const issuer = owner === 'external' ? (settings.issuerCert ?? name) : name;
  return authorities.map(({ role, state: _state, replacedAt: _replacedAt, ...ca }) => {
    return { issuer, namespace: namespace ?? null, owner, state: role, ...ca };
  });
}
