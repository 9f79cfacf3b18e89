import { BlockList, isIP } from 'node:net';
import { globMatches } from '../../domain/glob.js';
import type { ClientKeyType, GrantPolicy } from '../../domain/policy.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import { parseCidr } from './cidr.js';

/** The properties of a redemption that policy rules check. */
export interface PolicySubject {
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

function isInside(cidrs: readonly string[], address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const list = new BlockList();
  for (const text of cidrs) {
    const cidr = parseCidr(text);
    // An invalid rule matches no address, and an IPv4 address is in no IPv6 network.
    if (cidr?.family === family) list.addSubnet(cidr.network, cidr.prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

// Older routers do not support Ed25519 client certificates, so it is only accepted if the policy names it.
const DEFAULT_KEY_TYPES: readonly ClientKeyType[] = ['p256', 'p384', 'rsa'];

/** Returns the error code for the first rule that the redemption violates; undefined if it violates none. */
export function policyRefusal(
  policy: GrantPolicy,
  redemption: PolicySubject,
): RedemptionErrorCode | undefined {
  if (!matchesAny(policy.subjects, redemption.subject)) return 'policy_subject';
  if (!matchesAny(policy.names, redemption.name)) return 'policy_name';
  if (policy.sourceCidrs && !isInside(policy.sourceCidrs, redemption.peer)) return 'policy_source';
  if (policy.csrRequired && !redemption.csr) return 'policy_csr_required';
  if (!(policy.keyTypes ?? DEFAULT_KEY_TYPES).includes(redemption.keyType)) return 'policy_key';
  return undefined;
}
