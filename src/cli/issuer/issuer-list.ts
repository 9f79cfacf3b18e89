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
  /** Owner of the CA, who rotates it. */
  readonly owner: 'linkgrant' | 'skupper' | 'given';
  readonly state: 'active' | 'prepared' | 'retiring';
  readonly subject: string;
  readonly sha256: string;
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Number of links that depend on it; null if they are not counted. */
  readonly links: number | null;
}

/** `issuer list`: prints the active, prepared and previous CAs, and how many links depend on each. */
export async function listIssuersCommand(
  { output, ...flags }: IssuerFlags & { readonly output?: OutputFormat },
  context: IssuerContext,
): Promise<void> {
  await withIssuers(flags, context, async (session) => {
    const listed = [...(await ownCas(session, context)), ...(await foreignCas(session, context))];
    await print(output, listed, () =>
      table(
        ['ISSUER', 'STATE', 'SUBJECT', 'VALID UNTIL', 'LINKS', 'CHANGED BY', 'SHA-256'],
        listed.map((ca) => [
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

async function ownCas({ issuers, store }: IssuerSession, { clock }: IssuerContext): Promise<ListedCa[]> {
  const listed: ListedCa[] = [];
  for (const name of issuers.names()) {
    const cas = issuers.list(name);
    const signs = name === SERVER_CA ? 'service' : 'links';
    for (const ca of cas) {
      // Links depend only on a previous CA of the service, not on the active one.
      const counts = store && (signs === 'links' || ca.state === 'retiring');
      const links = counts ? (await dependentsOf(ca, { signs, cas }, { store, clock })).links : null;
      listed.push({
        issuer: name,
        namespace: null,
        owner: 'linkgrant',
        state: ca.state,
        links,
        ...described(ca),
      });
    }
  }
  return listed;
}

/** The CAs that sign links and do not belong to linkgrant: external ones, and those of system sites. */
async function foreignCas(session: IssuerSession, { clock }: IssuerContext): Promise<ListedCa[]> {
  const { settings, service, store } = session;
  const list = async (
    authority: CertificateAuthority,
    of: Pick<ListedCa, 'issuer' | 'namespace' | 'owner'>,
  ): Promise<ListedCa> => {
    const links = store ? await store.countDependents(authority.sha256, clock()) : null;
    return { ...of, state: 'active', links, ...described({ ...authority, subject: authority.description }) };
  };
  if (platformOf(session) === 'standalone') {
    if (settings.issuerCert === undefined) return [];
    const found = (await openIssuer(settings, clock())).find(clock());
    if (typeof found === 'string') return [];
    return [await list(found, { issuer: settings.issuerCert, namespace: null, owner: 'given' })];
  }
  const listed: ListedCa[] = [];
  for (const { namespace, access } of await siteReports(service?.system ?? systemOf(settings), clock)) {
    if ('refused' in access) {
      writeStderr(`Namespace ${namespace} gives no link now: ${access.reason}\n`);
      continue;
    }
    const issuer = access.issuer.description;
    listed.push(await list(access.issuer, { issuer, namespace, owner: 'skupper' }));
  }
  return listed;
}

function described(ca: {
  readonly subject: string;
  readonly sha256: string;
  readonly notBefore: number;
  readonly notAfter: number;
}): Pick<ListedCa, 'subject' | 'sha256' | 'notBefore' | 'notAfter'> {
  const { subject, sha256 } = ca;
  return { subject, sha256, notBefore: formatTime(ca.notBefore), notAfter: formatTime(ca.notAfter) };
}
