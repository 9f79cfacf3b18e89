import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuerCa, ListedCa, RotatingIssuers } from '../ports/issuers.js';

// Within this time every service on the same files has loaded a new CA, and has finished its requests with the previous one.
export const TAKEN_UP_MS = 30_000;
// The validity of a CA begins this long before its creation.
const BACKDATED_MS = 5 * 60_000;

/** The dependents of a CA that no longer signs. */
export interface Dependents {
  /**
   * Redemptions that are not revoked and whose newest certificate is valid: for a CA that signed links, those whose
   * newest certificate it signed; for the CA of the service, those without a response since its replacement.
   */
  readonly links: number;
  /** True if a token may exist that contains no other CA of the service. */
  readonly tokens: boolean;
}

/** Result of retiring a CA. `waitMs`: it was replaced too recently, and may be in use for this long. */
export type Retirement = { readonly ca: IssuerCa } & (
  | { readonly retired: Dependents }
  | { readonly kept: Dependents }
  | { readonly waitMs: number }
);

/** The fields of a CA that determine its dependents. */
type CaAge = Pick<ListedCa, 'state' | 'sha256' | 'notBefore'>;

/** Dependencies of changes to issuers. */
export interface IssuerDependencies {
  readonly issuers: RotatingIssuers;
  readonly store: Pick<GrantStore, 'countDependents' | 'countAnsweredBefore' | 'hasGrantMadeBefore'>;
  readonly clock: Clock;
}

/**
 * Counts the dependents of a CA of an issuer; `signs` is what the issuer signs. A CA of the service has each response and
 * token from before its replacement as a dependent.
 */
export async function dependentsOf(
  ca: CaAge,
  { signs, cas }: { readonly signs: 'links' | 'service'; readonly cas: readonly CaAge[] },
  { store, clock }: Pick<IssuerDependencies, 'store' | 'clock'>,
): Promise<Dependents> {
  const now = clock();
  if (signs === 'links')
    return { links: (await store.countDependents(now)).get(ca.sha256) ?? 0, tokens: false };
  const retiring = cas.filter(({ state }) => state === 'retiring');
  const successor = retiring[retiring.indexOf(ca) + 1] ?? cas.find(({ state }) => state === 'active');
  const since = successor ? successor.notBefore + BACKDATED_MS + TAKEN_UP_MS : now;
  return {
    links: await store.countAnsweredBefore(since, now),
    tokens: await store.hasGrantMadeBefore(since, now),
  };
}

/**
 * Removes the previous CAs of an issuer, the oldest first, up to the first one that something depends on; with `force` all
 * of them. Returns the result of each.
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
    const waitMs = (ca.replacedAt ?? 0) + TAKEN_UP_MS - deps.clock();
    const dependents = await dependentsOf(ca, { signs, cas }, deps);
    const isNeeded = dependents.links > 0 || dependents.tokens;
    if (!force && (isNeeded || waitMs > 0)) {
      retirements.push(isNeeded ? { ca, kept: dependents } : { ca, waitMs });
      // Newer CAs stay too: their cross-certificates connect this one with the active one.
      break;
    }
    await deps.issuers.retire(name, ca.sha256);
    retirements.push({ ca, retired: dependents });
  }
  return retirements;
}
