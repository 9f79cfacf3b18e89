import type { LinkRole } from './link.js';

/** Key types that a client certificate may have, as policy and configuration spell them. */
export type ClientKeyType = 'p256' | 'p384' | 'rsa' | 'ed25519';

/** The type of the keys that linkgrant itself generates for its redemptions. */
export const OWN_KEY_TYPE = 'p256' satisfies ClientKeyType;

/**
 * The rules of a grant in addition to its number of redemptions and its expiration time. An absent rule allows every value, but
 * `keyTypes` and `endpointRoles` have defaults. An empty list allows no value. `subjects` and `names` are globs: `*` stands for
 * any characters or none, `?` for one.
 */
export interface GrantPolicy {
  readonly subjects?: readonly string[];
  readonly names?: readonly string[];
  /** CIDRs (IPv4 or IPv6), one of which must contain the client's address. */
  readonly sourceCidrs?: readonly string[];
  readonly keyTypes?: readonly ClientKeyType[];
  readonly csrRequired?: boolean;
  /** Roles of the endpoints that its links connect to; by default those of the site's own network. */
  readonly endpointRoles?: readonly LinkRole[];
  /** Longest lifetime of a client certificate, in milliseconds. */
  readonly certificateLifetimeMs?: number;
  /** When the grant can be redeemed at the earliest, in milliseconds since the epoch. */
  readonly notBefore?: number;
  /** Globs of the identities, `provider:sub`, that may redeem with a token of their provider; absent for none. */
  readonly identities?: readonly string[];
  /** How often one identity may redeem; by default once. */
  readonly identityUses?: number;
  /** True if codes that any key can redeem are refused. */
  readonly identityRequired?: boolean;
}

/** Changes to the rules of a policy: null removes a rule, an absent rule stays unchanged. */
export type PolicyChange = { readonly [Rule in keyof GrantPolicy]?: GrantPolicy[Rule] | null };

/** Returns the rules that also apply to the renewals of a link: those that are not about identities. */
export function withoutIdentityRules(policy: GrantPolicy): GrantPolicy {
  const { identities: _, identityUses: _uses, identityRequired: _required, ...rules } = policy;
  return rules;
}

/** Returns a policy after a change. */
export function changedPolicy(policy: GrantPolicy, change: PolicyChange = {}): GrantPolicy {
  return Object.fromEntries(Object.entries({ ...policy, ...change }).filter(([, value]) => value !== null));
}
