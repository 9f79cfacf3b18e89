import { MAX_IDENTITY_LENGTH, MAX_PROVIDER_LENGTH, MAX_SUB_LENGTH } from '../../domain/names.js';
import type { ClientKeyType, GrantPolicy } from '../../domain/policy.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import { Networks } from './cidr.js';
import { globCost, globMatches } from './glob.js';
import { policySetting } from './policy-settings.js';

/** The properties of a redemption that policy rules check. */
export interface PolicyInput {
  readonly name: string;
  readonly subject: string;
  /** The address of the client; undefined for an operator, to whom no rule for addresses applies. */
  readonly peer: string | undefined;
  readonly keyType: ClientKeyType;
  /** True if the requesting site generated the key. */
  readonly csr: boolean;
}

/**
 * How many steps the globs of a policy may need together, as {@link globCost} counts them. Measured: 250,000 steps take 0.8 to 1.9
 * ms of processor time; 1,000 globs without this limit took up to 30 ms with ASCII characters, and 180 ms with others.
 */
const MAX_STEPS = 250_000;

// Older routers do not support Ed25519 client certificates, so it is only accepted if the policy names it.
const DEFAULT_KEY_TYPES: readonly ClientKeyType[] = ['p256', 'p384', 'rsa'];

// One list of networks is compared with the addresses of many links.
const NETWORKS = new WeakMap<readonly string[], Networks>();

/** Matches texts with globs, with at most {@link MAX_STEPS} steps in all. A glob that would exceed them matches nothing. */
class GlobMatcher {
  #steps = MAX_STEPS;

  matchesAny(globs: readonly string[] | undefined, text: string, longest?: number): boolean {
    return globs === undefined || globs.some((glob) => this.#matches(glob, text, longest));
  }

  #matches(glob: string, text: string, longest?: number): boolean {
    const cost = globCost(glob, longest);
    if (cost > this.#steps) return false;
    this.#steps -= cost;
    return globMatches(glob, text);
  }
}

/**
 * Returns the error code for the first rule that the redemption violates; undefined if it violates none. Globs beyond the limit of
 * {@link matchingProblem} permit nothing: only a policy that was stored before the limit has them.
 */
export function policyRefusal(policy: GrantPolicy, redemption: PolicyInput): RedemptionErrorCode | undefined {
  const matcher = new GlobMatcher();
  if (!matcher.matchesAny(policy.subjects, redemption.subject)) return 'policy_subject';
  if (!matcher.matchesAny(policy.names, redemption.name)) return 'policy_name';
  const { peer } = redemption;
  if (policy.sourceCidrs && peer !== undefined && !networksOf(policy.sourceCidrs).has(peer))
    return 'policy_source';
  if (policy.csrRequired && !redemption.csr) return 'policy_csr_required';
  if (!permitsKeyType(policy, redemption.keyType)) return 'policy_key';
  return undefined;
}

function networksOf(cidrs: readonly string[]): Networks {
  const networks = NETWORKS.get(cidrs) ?? new Networks(cidrs);
  NETWORKS.set(cidrs, networks);
  return networks;
}

/** True if a policy permits a subject. */
export function permitsSubject({ subjects }: GrantPolicy, subject: string): boolean {
  return new GlobMatcher().matchesAny(subjects, subject);
}

/** True if a policy permits a link name. */
export function permitsName({ names }: GrantPolicy, name: string): boolean {
  return new GlobMatcher().matchesAny(names, name);
}

/**
 * True if a policy permits an identity, within the limit of {@link matchingProblem}. The part of a glob before its first colon
 * matches the provider, the rest the `sub`: else `east-*:admin` would permit an `east-1` whose users choose the sub `x:admin`.
 */
export function permitsIdentity(
  { identities = [] }: GrantPolicy,
  { provider, sub }: { readonly provider: string; readonly sub: string },
): boolean {
  const matcher = new GlobMatcher();
  return identities.some((glob) => {
    const colon = glob.indexOf(':');
    return (
      matcher.matchesAny([glob.slice(0, colon)], provider, MAX_PROVIDER_LENGTH) &&
      matcher.matchesAny([glob.slice(colon + 1)], sub, MAX_SUB_LENGTH)
    );
  });
}

/** True if a glob of identities matches some identity of a provider. */
export function matchesProvider(glob: string, provider: string): boolean {
  return new GlobMatcher().matchesAny([glob.slice(0, glob.indexOf(':'))], provider, MAX_PROVIDER_LENGTH);
}

/** True if one of the globs matches a `sub`, within the limit of {@link matchingProblem}. */
export function matchesSub(globs: readonly string[], sub: string): boolean {
  return new GlobMatcher().matchesAny(globs, sub, MAX_IDENTITY_LENGTH);
}

/** True if a policy permits keys of this type. */
export function permitsKeyType(
  { keyTypes = DEFAULT_KEY_TYPES }: GrantPolicy,
  keyType: ClientKeyType,
): boolean {
  return keyTypes.includes(keyType);
}

/** Returns why the globs of a policy take too long to match, as a sentence; undefined if they do not. */
export function matchingProblem({
  subjects = [],
  names = [],
  identities = [],
}: GrantPolicy): string | undefined {
  const costs = {
    subjects: totalCost(subjects),
    names: totalCost(names),
    identities: totalCost(identities, MAX_IDENTITY_LENGTH),
  };
  const steps = costs.subjects + costs.names + costs.identities;
  if (steps <= MAX_STEPS) return undefined;
  const [costliest] = (Object.entries(costs) as [keyof typeof costs, number][]).sort((a, b) => b[1] - a[1]);
  const setting = policySetting(costliest?.[0] ?? 'subjects');
  return `${setting} has globs that take too long to match (all rules together ${steps} steps, at most ${MAX_STEPS} are allowed): use globs with one *, or fewer and shorter texts between two *`;
}

function totalCost(globs: readonly string[], longest?: number): number {
  return globs.reduce((steps, glob) => steps + globCost(glob, longest), 0);
}
