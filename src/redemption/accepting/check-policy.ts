import { globMatches } from '../../domain/glob.js';
import type { ClientKeyType, GrantPolicy } from '../../domain/policy.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import { Networks } from './cidr.js';

/** The properties of a redemption that policy rules check. */
export interface PolicyInput {
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly keyType: ClientKeyType;
  /** True if the requesting site generated the key. */
  readonly csr: boolean;
}

function matchesAny(globs: readonly string[] | undefined, value: string): boolean {
  return globs === undefined || globs.some((glob) => globMatches(glob, value));
}

// Older routers do not support Ed25519 client certificates, so it is only accepted if the policy names it.
const DEFAULT_KEY_TYPES: readonly ClientKeyType[] = ['p256', 'p384', 'rsa'];

/** Returns the error code for the first rule that the redemption violates; undefined if it violates none. */
export function policyRefusal(policy: GrantPolicy, redemption: PolicyInput): RedemptionErrorCode | undefined {
  if (!matchesAny(policy.subjects, redemption.subject)) return 'policy_subject';
  if (!matchesAny(policy.names, redemption.name)) return 'policy_name';
  if (policy.sourceCidrs && !new Networks(policy.sourceCidrs).has(redemption.peer)) return 'policy_source';
  if (policy.csrRequired && !redemption.csr) return 'policy_csr_required';
  if (!(policy.keyTypes ?? DEFAULT_KEY_TYPES).includes(redemption.keyType)) return 'policy_key';
  return undefined;
}
