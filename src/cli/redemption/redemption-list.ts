import { commandContext } from '../../config/command-context.js';
import type { LinkState } from '../../domain/issued-certificate.js';
import type { LabelSelector } from '../../domain/label-selector.js';
import { isInState } from '../../redemption/administration/reports/link-report.js';
import type { RedemptionReport } from '../../redemption/administration/reports/redemption-report.js';
import { type PageRequest, pagesOf } from '../../redemption/ports/page.js';
import { parseTime } from '../flags/flag-values.js';
import type { GrantFlags } from '../grant/grant-create.js';
import { namedGrantUid } from '../grant/named-grant.js';
import { withAdministration } from '../session/administration-session.js';
import { invalidValue } from '../terminal/command-error.js';
import { type ListFlags, writeListing } from '../terminal/listing.js';
import { CONNECTED_REDEMPTION_LISTING, REDEMPTION_LISTING } from './redemption-listing.js';

/** The flags of `redemption list`. */
export interface RedemptionListFlags extends Omit<GrantFlags, 'output'>, ListFlags {
  readonly namespace?: string;
  /** Name or uid of a grant, also of a deleted one. */
  readonly grant?: string;
  readonly since?: string;
  /** A pattern with `*` and `?`. */
  readonly subject?: string;
  /** A text in subject, name, grant, labels, note or address. */
  readonly search?: string;
  readonly selector?: LabelSelector;
  readonly state?: LinkState;
  readonly overdue?: boolean;
  /** SHA-256 of a CA, or its first 16 hex digits or more. */
  readonly signedBy?: string;
  readonly expiresWithin?: string;
}

/** `redemption list`: prints the redemptions, oldest first; with `--expires-within` those that expire first. */
export async function redemptionListCommand(flags: RedemptionListFlags): Promise<void> {
  const { clock } = commandContext();
  const since = parseTime('--since', flags.since, clock());
  const { grant, subject, selector: labels, search, state, overdue, ...others } = flags;
  const { signedBy: signer, expiresWithin, ...settings } = others;
  const signedBy = parseSigner(signer);
  const expiresBefore = parseTime('--expires-within', expiresWithin, clock(), { isAhead: true });
  const linkFilter = { state, notRenewing: overdue, signedBy, expiresBefore };
  await withAdministration(settings, async ({ administration, connections, namespace }) => {
    const grantUid = await namedGrantUid(administration, namespace, grant);
    const filter = { grantUid, since, subject };
    const redemptions = async (page: PageRequest) => {
      const within = { ...filter, namespace: flags.namespace, labels, search };
      const { items, next } = await administration.listRedemptions({ ...page, ...within });
      return {
        items: items.filter((report) => isSelected(report, linkFilter, clock())),
        ...(next && { next }),
      };
    };
    const isFiltered = [grant, since, subject, labels, search, ...Object.values(linkFilter)].some(
      (value) => value !== undefined,
    );
    const emptyText = isFiltered ? 'No redemption matches.\n' : REDEMPTION_LISTING.emptyText;
    const read = async function* () {
      await connections?.observe();
      yield* pagesOf(redemptions);
    };
    await writeListing(
      read,
      { ...(connections ? CONNECTED_REDEMPTION_LISTING : REDEMPTION_LISTING), emptyText },
      { ...(expiresBefore !== undefined && { sortBy: 'certificate-expires' }), ...flags },
    );
  });
}

function isSelected(report: RedemptionReport, filter: Parameters<typeof isInState>[1], now: number): boolean {
  const { newest, createdAt, revokedAt } = report;
  const { notAfter, issuerSha256 } = newest ?? report;
  const link = {
    revokedAt: revokedAt === undefined ? null : Date.parse(revokedAt),
    issuedAt: Date.parse(newest?.renewedAt ?? createdAt),
    notAfter: Date.parse(notAfter),
    issuerSha256,
  };
  return isInState(link, filter, now);
}

/**
 * Reads `--signed-by`: a SHA-256 in hex, or its first 16 digits or more, also in upper case and with colons, as other programs print
 * it; undefined if the flag is absent. Throws a CommandError.
 */
function parseSigner(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const sha256 = value.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{16,64}$/.test(sha256)) return sha256;
  throw invalidValue(
    '--signed-by',
    value,
    'use the SHA-256 of the CA, at least its first 16 hex digits, as `linkgrant issuer list` prints them',
  );
}
