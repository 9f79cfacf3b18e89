import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuerCa, RotatingIssuers } from '../ports/issuers.js';

// In that time every service on the same files has taken up a CA that is new to it, and every request is over that it had
// begun with the one before.
export const TAKEN_UP_MS = 30_000;
// A CA begins that long before it is made.
const BACKDATED_MS = 5 * 60_000;

/** What a CA that no longer signs is still needed for. */
export interface Dependents {
  /**
   * Redemptions that are not revoked and whose newest certificate is valid: for a CA that signed links, those of which it
   * signed that certificate; for the one of the service, those that have heard of no other since.
   */
  readonly links: number;
  /** True if a token may be in use that knows no other CA of the service. */
  readonly tokens: boolean;
}

/** What became of a CA that was to be retired. `waitMs`: it was replaced so short ago that its use is not over. */
export type Retirement = { readonly ca: IssuerCa } & (
  | { readonly retired: Dependents }
  | { readonly kept: Dependents }
  | { readonly waitMs: number }
);

/** What changes of issuers are judged with. */
export interface IssuerDependencies {
  readonly issuers: RotatingIssuers;
  readonly store: Pick<GrantStore, 'countDependents' | 'countAnsweredBefore' | 'hasGrantMadeBefore'>;
  readonly clock: Clock;
}

/**
 * What depends on a CA of an issuer; `signs` tells what the issuer signs. On a CA of the service whatever was answered or made
 * before its successor was there.
 */
export async function dependentsOf(
  ca: IssuerCa,
  { signs, cas }: { readonly signs: 'links' | 'service'; readonly cas: readonly IssuerCa[] },
  { store, clock }: Pick<IssuerDependencies, 'store' | 'clock'>,
): Promise<Dependents> {
  const now = clock();
  if (signs === 'links') return { links: await store.countDependents(ca.sha256, now), tokens: false };
  const retiring = cas.filter(({ state }) => state === 'retiring');
  const successor = retiring[retiring.indexOf(ca) + 1] ?? cas.find(({ state }) => state === 'active');
  const since = successor ? successor.notBefore + BACKDATED_MS + TAKEN_UP_MS : now;
  return {
    links: await store.countAnsweredBefore(since, now),
    tokens: await store.hasGrantMadeBefore(since, now),
  };
}

/**
 * Removes the CAs of an issuer that signed before the present one, the oldest first, up to one that something depends on;
 * with `force` all of them. Tells of each.
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
      // By way of those after it whoever knows this one alone verifies what the present one signs.
      break;
    }
    await deps.issuers.retire(name, ca.sha256);
    retirements.push({ ca, retired: dependents });
  }
  return retirements;
}
