import { openIssuer, readCa, SERVER_CA, SITE_CA } from '../../compose/site-issuer.js';
import { openSystemSite, systemOf } from '../../compose/system-sites.js';
import { commandContext } from '../../config/command-context.js';
import { DAY_MS } from '../../domain/duration.js';
import { writePublicFile } from '../../files/named-output.js';
import type { CertificateAuthority } from '../../pki/authority.js';
import { maySignRevocationLists, signRevocationList } from '../../pki/revocation-list.js';
import { numberedRevocations } from '../../redemption/issuers/revocations.js';
import { CommandError, invalidValue, usageError } from '../terminal/command-error.js';
import { formatTime } from '../terminal/output.js';
import { withTargetErrors } from '../terminal/target-errors.js';
import { writeOut, writeStderr } from '../terminal/write-out.js';
import {
  type IssuerFlags,
  type IssuerSession,
  platformOf,
  requireOwnIssuer,
  requireStore,
  withIssuers,
} from './issuer-session.js';

const DEFAULT_DAYS = 7;
const MAX_DAYS = 3650;
const PEM_LABEL = '-----BEGIN X509 CRL-----';
const TARGET_HINT = 'set --to to a new file or to an earlier CRL, in a writable directory';

/** The flags of `issuer crl`. */
export interface CrlFlags extends IssuerFlags {
  /** A file, or `-` for standard output, which is the default. */
  readonly to?: string;
  readonly days?: string;
}

/** `issuer crl`: writes a CRL for each CA of an issuer (PEM, concatenated). */
export async function issuerCrlCommand(name: string, { to = '-', days, ...flags }: CrlFlags): Promise<void> {
  const validityMs = parseDays(days) * DAY_MS;
  await withIssuers(flags, async (session) => {
    const now = commandContext().clock();
    const store = requireStore(session);
    const authorities = (await authoritiesOf(name, session, now)).map(requireSigner);
    const { number, revoked } = await numberedRevocations(
      authorities.map(({ sha256 }) => sha256),
      store,
      now,
    );
    const nextUpdate = now + validityMs;
    const lists = authorities.map((authority, index) =>
      signRevocationList({ number, thisUpdate: now, nextUpdate, revoked: revoked[index] ?? [] }, authority),
    );
    if (to === '-') await writeOut(lists.join(''));
    else withTargetErrors(to, TARGET_HINT, () => writePublicFile(to, lists.join(''), PEM_LABEL));
    writeStderr(
      [
        ...authorities.map(({ description }, index) => {
          const count = revoked[index]?.length ?? 0;
          return `${description}: ${count === 1 ? '1 revoked certificate' : `${count} revoked certificates`}\n`;
        }),
        `CRL number ${number}; write it again before ${formatTime(nextUpdate)}, and after each revocation\n`,
      ].join(''),
    );
  });
}

function parseDays(text = String(DEFAULT_DAYS)): number {
  const days = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : Number.NaN;
  if (days <= MAX_DAYS) return days;
  throw invalidValue(
    '--days',
    text,
    `use a whole number from 1 to ${MAX_DAYS}: the validity of the list in days`,
  );
}

/** Returns the unexpired CAs of the issuer, with their keys. Throws a CommandError if an issuer or key cannot be used. */
async function authoritiesOf(
  name: string,
  session: IssuerSession,
  now: number,
): Promise<CertificateAuthority[]> {
  const { settings, service } = session;
  if (name === SERVER_CA) {
    throw usageError(
      `"${SERVER_CA}" signs only the certificate of the service`,
      'name an issuer of links; `linkgrant issuer list` shows them',
    );
  }
  if (platformOf(session) !== 'standalone') {
    const place = service?.system ?? systemOf(settings);
    const namespace = settings.namespace ?? place.namespace ?? 'default';
    const found = openSystemSite(place, () => now).findIssuer(namespace, name);
    if (!('refused' in found)) return [found];
    throw usageError(found.reason, found.hint);
  }
  if (name === SITE_CA && settings.issuerCert !== undefined) {
    const found = (await openIssuer(settings, now)).find(now);
    if (typeof found !== 'string') return [found];
    throw usageError(found, 'correct the files of --issuer-cert and --issuer-key');
  }
  const { cas } = requireOwnIssuer(name, session);
  return cas.filter(({ notAfter }) => notAfter > now).map((ca) => readCa(ca, now));
}

function requireSigner(authority: CertificateAuthority): CertificateAuthority {
  if (maySignRevocationLists(authority)) return authority;
  throw new CommandError(
    `the keyUsage of "${authority.description}" does not permit it to sign CRLs (cRLSign), so no verifier would accept one`,
    { exitCode: 1, hint: 'cut the link off with `linkgrant redemption revoke ID --cut` instead' },
  );
}
