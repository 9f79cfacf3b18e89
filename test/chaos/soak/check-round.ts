/** What the clients of a round received for one request, which they repeated until it was answered. */
export interface SiteOutcome {
  readonly grantUid: string;
  /** The id of its signed code; null for the code of the grant. */
  readonly jti: string | null;
  /** SHA-256 over the SubjectPublicKeyInfo of its key, lower-case hex. */
  readonly keySha256: string;
  /** SHA-256 of each certificate that it received; several only after a defect. */
  readonly certificates: ReadonlySet<string>;
}

/** What the store has about the grants of a round. Members have the names of the columns. */
export interface StoredRound {
  readonly redemptions: readonly {
    readonly grant_uid: string;
    readonly jti: string | null;
    readonly key_sha256: string;
    readonly certificate_sha256: string;
  }[];
  readonly grants: readonly UseLimit[];
  readonly codes: readonly (UseLimit & { readonly jti: string })[];
}

/** The uses of a grant, or of a signed code of the grant. */
interface UseLimit {
  readonly grant_uid: string;
  readonly uses: number;
  readonly used: number;
}

/** The differences between what clients received and what the store has, as sentences. */
export interface RoundFaults {
  /** Certificates without a record. */
  readonly lost: string[];
  /** Requests with two certificates or two records. */
  readonly double: string[];
  /** Uses that are counted, or withheld from a client, although no client received a certificate for them. */
  readonly burnt: string[];
}

const requestOf = (grant: string, jti: string | null, key: string) => `${grant} ${jti ?? '-'} ${key}`;

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}

/**
 * Compares what all sites of a round received with the store. Each grant has fewer uses than sites, and so has each signed code,
 * so all uses have to be counted, and each site without a certificate was refused because none was left.
 */
export function checkRound(sites: readonly SiteOutcome[], stored: StoredRound): RoundFaults {
  const faults: RoundFaults = { lost: [], double: [], burnt: [] };
  const recordOf = new Map<string, string>();
  for (const { grant_uid, jti, key_sha256, certificate_sha256 } of stored.redemptions) {
    const request = requestOf(grant_uid, jti, key_sha256);
    if (recordOf.has(request)) faults.double.push(`request ${request} has two records`);
    recordOf.set(request, certificate_sha256);
  }
  for (const certificate of repeated(stored.redemptions.map((record) => record.certificate_sha256)))
    faults.double.push(`certificate ${certificate} has two records`);
  for (const { grantUid, jti, keySha256, certificates } of sites) {
    const request = requestOf(grantUid, jti, keySha256);
    const recorded = recordOf.get(request);
    recordOf.delete(request);
    if (certificates.size > 1) faults.double.push(`request ${request} got ${certificates.size} certificates`);
    for (const certificate of certificates)
      if (certificate !== recorded) faults.lost.push(`certificate ${certificate} of request ${request}`);
    if (recorded !== undefined && !certificates.has(recorded))
      faults.burnt.push(`the record of request ${request}, which was refused or got another certificate`);
  }
  for (const request of recordOf.keys()) faults.burnt.push(`the record of request ${request} of no site`);
  faults.burnt.push(...checkUses(sites, stored));
  return faults;
}

const repeated = (values: readonly string[]) =>
  [...countBy(values, (value) => value)].filter(([, count]) => count > 1).map(([value]) => value);

/** Compares the counted uses of grants and codes with their records, and with the certificates that clients received. */
function checkUses(sites: readonly SiteOutcome[], { redemptions, grants, codes }: StoredRound): string[] {
  const served = sites.filter(({ certificates }) => certificates.size > 0);
  const ofGrant = {
    recorded: countBy(redemptions, ({ grant_uid }) => grant_uid),
    received: countBy(served, ({ grantUid }) => grantUid),
  };
  const ofCode = {
    recorded: countBy(redemptions, ({ grant_uid, jti }) => `${grant_uid} ${jti}`),
    received: countBy(served, ({ grantUid, jti }) => `${grantUid} ${jti}`),
  };
  const check = (name: string, { uses, used }: UseLimit, { recorded, received }: typeof ofGrant) => {
    const counts = [uses, used, recorded.get(name) ?? 0, received.get(name) ?? 0];
    if (new Set(counts).size === 1) return [];
    const [limit, counted, records, certificates] = counts;
    return [
      `${name} has ${limit} uses, ${counted} counted, ${records} records, ${certificates} certificates`,
    ];
  };
  return [
    ...grants.flatMap((grant) => check(grant.grant_uid, grant, ofGrant)),
    ...codes.flatMap((code) => check(`${code.grant_uid} ${code.jti}`, code, ofCode)),
  ];
}
