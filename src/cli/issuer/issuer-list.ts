import { openIssuer, SERVER_CA } from '../../compose/site-issuer.js';
import { siteReports, systemOf } from '../../compose/system-sites.js';
import type { CertificateAuthority } from '../../pki/authority.js';
import { dependentsOf } from '../../redemption/issuers/retire-issuer.js';
import { formatTime, print, table } from '../terminal/output.js';
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
interface ListedCa {
  readonly issuer: string;
  /** Namespace of its site; null outside system platforms. */
  readonly namespace: string | null;
  /** Who rotates the CA; `external` for the CA of `--issuer-cert`. */
  readonly owner: 'linkgrant' | 'skupper' | 'external';
  readonly state: 'active' | 'prepared' | 'retiring';
  readonly subject: string;
  readonly sha256: string;
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Number of links that depend on the CA; null without a store, and for CAs of the service that are not retiring. */
  readonly links: number | null;
}

/** `issuer list`: prints the active, prepared and retiring CAs, and how many links depend on each. */
export async function listIssuersCommand(
  { output, ...flags }: IssuerFlags & { readonly output?: OutputFormat },
  context: IssuerContext,
): Promise<void> {
  await withIssuers(flags, context, async (session) => {
    const rows = [...(await listOwnCas(session, context)), ...(await listForeignCas(session, context))];
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

async function listOwnCas({ issuers, store }: IssuerSession, { clock }: IssuerContext): Promise<ListedCa[]> {
  const rows: ListedCa[] = [];
  for (const name of issuers.names()) {
    const cas = issuers.list(name);
    const signs = name === SERVER_CA ? 'service' : 'links';
    for (const ca of cas) {
      // For the CA of the service only links that have had no response since it was replaced are counted.
      const canCount = store && (signs === 'links' || ca.state === 'retiring');
      const links = canCount ? (await dependentsOf(ca, { signs, cas }, { store, clock })).links : null;
      rows.push({
        issuer: name,
        namespace: null,
        owner: 'linkgrant',
        state: ca.state,
        links,
        ...certificateFields(ca),
      });
    }
  }
  return rows;
}

/** The CAs that sign links and do not belong to linkgrant: external ones, and those of system sites. */
async function listForeignCas(session: IssuerSession, { clock }: IssuerContext): Promise<ListedCa[]> {
  const { settings, service, store } = session;
  const list = async (
    authority: CertificateAuthority,
    identity: Pick<ListedCa, 'issuer' | 'namespace' | 'owner'>,
  ): Promise<ListedCa> => {
    const links = store ? await store.countDependents(authority.sha256, clock()) : null;
    return {
      ...identity,
      state: 'active',
      links,
      ...certificateFields({ ...authority, subject: authority.description }),
    };
  };
  if (platformOf(session) === 'standalone') {
    if (settings.issuerCert === undefined) return [];
    const issuer = (await openIssuer(settings, clock())).find(clock());
    // A string is the reason why the CA cannot be used.
    if (typeof issuer === 'string') return [];
    return [await list(issuer, { issuer: settings.issuerCert, namespace: null, owner: 'external' })];
  }
  const rows: ListedCa[] = [];
  for (const { namespace, access } of await siteReports(service?.system ?? systemOf(settings), clock)) {
    if ('refused' in access) {
      writeStderr(`The site in namespace ${namespace} accepts no links now: ${access.reason}\n`);
      continue;
    }
    const issuer = access.issuer.description;
    rows.push(await list(access.issuer, { issuer, namespace, owner: 'skupper' }));
  }
  return rows;
}

function certificateFields(ca: {
  readonly subject: string;
  readonly sha256: string;
  readonly notBefore: number;
  readonly notAfter: number;
}): Pick<ListedCa, 'subject' | 'sha256' | 'notBefore' | 'notAfter'> {
  const { subject, sha256 } = ca;
  return { subject, sha256, notBefore: formatTime(ca.notBefore), notAfter: formatTime(ca.notAfter) };
}
