import { BlockList, isIPv6 } from 'node:net';
import type { ClientKeyType, GrantPolicy } from '../domain/policy.js';
import type { RedemptionErrorCode } from '../domain/redemption-error.js';

/** What a redemption asks for, as far as policy cares. */
export interface PolicySubject {
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly keyType: ClientKeyType;
  /** True when the requesting site made the key. */
  readonly csr: boolean;
}

function globMatches(glob: string, value: string): boolean {
  const escaped = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${escaped}$`, 'su').test(value);
}

function matchesAny(globs: readonly string[] | undefined, value: string): boolean {
  return globs === undefined || globs.some((glob) => globMatches(glob, value));
}

function isInside(cidrs: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', length] = cidr.split('/');
    const family = isIPv6(network) ? 'ipv6' : 'ipv4';
    list.addSubnet(network, Number(length ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
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
