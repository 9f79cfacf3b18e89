import type { AccessGrant } from '../../domain/access-grant.js';
import { BACKDATED_MS } from '../../pki/certificate-encoding.js';
import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuerCa, ListedCa, RotatingIssuers } from '../ports/issuers.js';
import { everyItem } from '../ports/page.js';

/**
 * Within this time every service on the same files loads a new CA and ends its requests with the previous one, in milliseconds.
 */
export const CA_RELOAD_MS = 30_000;

/** The dependents of a CA that no longer signs. */
export interface Dependents {
  /**
   * Number of redemptions that are not revoked and whose newest certificate is valid: for a CA of links, those with a newest
   * certificate that it signed; for a CA of the service, those with one that was issued before its replacement.
   */
  readonly links: number;
  /** True if there may be valid tokens that contain no newer CA of the service. */
  readonly tokens: boolean;
}

/**
 * Result of retiring a CA. `dependents`: it stays because of these dependents. `waitMs`: it stays because services may use it for
 * this time.
 */
export type Retirement = { readonly ca: IssuerCa } & (
  | { readonly retired: Dependents }
  | {
      readonly dependents: Dependents;
      /** The grants that may have the tokens; empty without such tokens. */
      readonly grants: readonly Pick<AccessGrant, 'namespace' | 'name'>[];
    }
  | { readonly waitMs: number }
);

/** The fields of a CA that determine its dependents. */
type RotatedCa = Pick<ListedCa, 'state' | 'sha256' | 'notBefore'>;

/** Dependencies of changes to issuers. */
export interface IssuerDependencies {
  readonly issuers: RotatingIssuers;
  readonly store: Pick<
    GrantStore,
    'countDependents' | 'countIssuedBefore' | 'hasGrantCreatedBefore' | 'listGrants'
  >;
  readonly clock: Clock;
}

/** Where the dependents of a CA are counted. */
type DependentsSource = {
  readonly store: Omit<IssuerDependencies['store'], 'listGrants'>;
  readonly clock: Clock;
};

/**
 * Counts the dependents of a CA; `signs` and `cas` are those of its issuer. Dependents of a CA of the service are the responses
 * and tokens from before its replacement.
 */
export async function dependentsOf(
  ca: RotatedCa,
  { signs, cas }: { readonly signs: 'links' | 'service'; readonly cas: readonly RotatedCa[] },
  { store, clock }: DependentsSource,
): Promise<Dependents> {
  const now = clock();
  if (signs === 'links')
    return { links: (await store.countDependents(now)).get(ca.sha256) ?? 0, tokens: false };
  const since = replacementTime(ca, cas) ?? now;
  return {
    links: await store.countIssuedBefore(since, now),
    tokens: await store.hasGrantCreatedBefore(since, now),
  };
}

/** Returns when every response and token began to contain the successor of a CA; undefined without a successor. */
function replacementTime(ca: RotatedCa, cas: readonly RotatedCa[]): number | undefined {
  const retiring = cas.filter(({ state }) => state === 'retiring');
  const successor = retiring[retiring.indexOf(ca) + 1] ?? cas.find(({ state }) => state === 'active');
  return successor && successor.notBefore + BACKDATED_MS + CA_RELOAD_MS;
}

/** Returns the grants that were created before a time and have not ended; an exhausted one ends when it expires. */
function grantsBefore(
  time: number,
  { store, clock }: Pick<IssuerDependencies, 'store' | 'clock'>,
): Promise<readonly AccessGrant[]> {
  const now = clock();
  const isOpen = ({ createdAt, revokedAt, expirationTime }: AccessGrant) =>
    createdAt < time && revokedAt === null && (expirationTime === null || expirationTime > now);
  return everyItem((page) => store.listGrants(page, isOpen));
}

/**
 * Removes the previous CAs of an issuer, oldest first, until one has dependents or may be in use; with `force` all of them.
 * Returns the result for each CA up to there.
 */
export async function retireIssuer(
  {
    name,
    signs,
    force,
  }: { readonly name: string; readonly signs: 'links' | 'service'; readonly force: boolean },
  deps: IssuerDependencies,
): Promise<readonly Retirement[]> {
  const cas = deps.issuers.list(name);
  const retirements: Retirement[] = [];
  for (const ca of cas.filter(({ state }) => state === 'retiring')) {
    const waitMs = (ca.replacedAt ?? 0) + CA_RELOAD_MS - deps.clock();
    const dependents = await dependentsOf(ca, { signs, cas }, deps);
    const isNeeded = dependents.links > 0 || dependents.tokens;
    if (!force && (isNeeded || waitMs > 0)) {
      const since = replacementTime(ca, cas) ?? deps.clock();
      const grants = dependents.tokens ? await grantsBefore(since, deps) : [];
      retirements.push(isNeeded ? { ca, dependents, grants } : { ca, waitMs });
      // Newer CAs stay too: their cross-certificates connect this one with the active one.
      break;
    }
    await deps.issuers.retire(name, ca.sha256);
    retirements.push({ ca, retired: dependents });
  }
  return retirements;
}
