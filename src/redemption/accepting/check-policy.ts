import { BlockList, isIP } from 'node:net';
import { globMatches } from '../../domain/glob.js';
import type { ClientKeyType, GrantPolicy } from '../../domain/policy.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import { parseCidr } from './cidr.js';

/** What a redemption asks for, as far as policy cares. */
export interface PolicySubject {
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly keyType: ClientKeyType;
  /** True when the requesting site made the key. */
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
    // What cannot be read lets nobody in, and an IPv4 address is in no IPv6 network.
    if (cidr?.family === family) list.addSubnet(cidr.network, cidr.prefix, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

// Ed25519 signs no TLS client certificate on older routers, so a grant has to name it.
const DEFAULT_KEY_TYPES: readonly ClientKeyType[] = ['p256', 'p384', 'rsa'];

/** The first of a grant's rules that `asked` breaks, or undefined when it may be redeemed. */
export function policyRefusal(policy: GrantPolicy, asked: PolicySubject): RedemptionErrorCode | undefined {
  if (!matchesAny(policy.subjects, asked.subject)) return 'policy_subject';
  if (!matchesAny(policy.names, asked.name)) return 'policy_name';
  if (policy.sourceCidrs && !isInside(policy.sourceCidrs, asked.peer)) return 'policy_source';
  if (policy.csrRequired && !asked.csr) return 'policy_csr_required';
  if (!(policy.keyTypes ?? DEFAULT_KEY_TYPES).includes(asked.keyType)) return 'policy_key';
  return undefined;
}
