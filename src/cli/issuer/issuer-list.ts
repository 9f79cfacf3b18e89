import { type IssuerLocations, issuerDirectory } from '../../compose/service-issuers.js';
import { systemOf } from '../../compose/system-sites.js';
import { commandContext } from '../../config/command-context.js';
import { readService } from '../../redemption/accepting/service-description.js';
import { issuerOperations } from '../../redemption/administration/issuer-operations.js';
import type { IssuerReport } from '../../redemption/administration/reports/issuer-report.js';
import { everyItem } from '../../redemption/ports/page.js';
import { type ListFlags, writeListing } from '../terminal/listing.js';
import { writeStderr } from '../terminal/write-out.js';
import { CA_LISTING, type IssuerListRow } from './issuer-listing.js';
import { type IssuerFlags, type IssuerSession, platformOf, withIssuers } from './issuer-session.js';

/** `issuer list`: prints the CAs of each issuer, and how many links depend on each. */
export async function issuerListCommand(flags: IssuerFlags & ListFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    const { settings, store } = session;
    // The description of the service is read again for each list, because a rotation changes it while --watch runs.
    const readCaSource = async () => caSourceOf({ ...session, service: store && (await readService(store)) });
    const { listIssuers } = issuerOperations({
      issuers: issuerDirectory({ ...settings, readService: readCaSource }, commandContext().clock),
      store,
      clock: commandContext().clock,
    });
    let reported = '';
    const read = async function* () {
      const issuers = await everyItem(listIssuers);
      const problems = problemsText(issuers);
      // With --watch, unchanged problems are not reported again.
      if (problems !== reported) writeStderr(problems);
      reported = problems;
      yield issuers.flatMap((issuer) => rowsOf(issuer, session));
    };
    await writeListing(read, CA_LISTING, flags);
  });
}

function problemsText(issuers: readonly IssuerReport[]): string {
  return issuers
    .filter(({ problem }) => problem !== undefined)
    .map(({ name, namespace, problem }) => {
      const issuer = namespace === undefined ? name : `${namespace}/${name}`;
      return `Issuer ${issuer} cannot be used: ${problem}\n`;
    })
    .join('');
}

/**
 * Returns the system sites that the service recorded, or else those of the settings; on the standalone platform the subject of
 * the CA that the service recorded.
 */
function caSourceOf(session: IssuerSession): Awaited<ReturnType<IssuerLocations['readService']>> {
  const { settings, service } = session;
  const isSystem = platformOf(session) !== 'standalone';
  return isSystem ? { system: service?.system ?? systemOf(settings) } : service && { issuer: service.issuer };
}

function rowsOf(
  { name, namespace, owner, authorities }: IssuerReport,
  { settings }: IssuerSession,
): IssuerListRow[] {
  // An external CA has no name that commands accept.
  const issuer = owner === 'external' ? (settings.issuerCert ?? name) : name;
  return authorities.map(({ role, state: _state, replacedAt: _replacedAt, ...ca }) => {
    return { issuer, namespace: namespace ?? null, owner, state: role, ...ca };
  });
}
