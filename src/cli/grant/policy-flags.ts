import type { Command } from 'commander';
import type { PolicyRule } from '../../redemption/accepting/policy-settings.js';

/** The flag of each policy rule. */
export const POLICY_FLAG_OF = {
  subjects: 'subjects',
  names: 'names',
  sourceCidrs: 'sourceCidrs',
  keyTypes: 'keyTypes',
  endpointRoles: 'endpointRoles',
  certificateLifetimeMs: 'certificateLifetime',
  csrRequired: 'csrRequired',
  notBefore: 'notBefore',
  identities: 'identities',
  identityUses: 'identityUses',
  identityRequired: 'identityRequired',
} as const satisfies Record<PolicyRule, string>;

/** The names of {@link PolicyFlags}. */
export const POLICY_FLAGS = Object.values(POLICY_FLAG_OF);

/** The flags of a grant's policy; a flag without a value is true. */
export type PolicyFlags = { readonly [K in (typeof POLICY_FLAGS)[number]]?: string | boolean };

/** The flag for the roles of endpoints. */
export const ENDPOINT_ROLES = [
  '--endpoint-roles <ROLES>',
  'roles of the endpoints to link to, of inter-router, edge and inter-network, separated by commas (default: the first two)',
] as const;

/** Adds the flags of a grant's policy to a command. */
export function addPolicyFlags(command: Command): Command {
  return command
    .option('--subjects <GLOBS>', "subjects that may redeem it, separated by commas; '' allows none")
    .option('--names <GLOBS>', "allowed names of its links, separated by commas; '' allows none")
    .option('--source-cidrs <CIDRS>', "addresses that may redeem it, separated by commas; '' allows none")
    .option(
      '--key-types <TYPES>',
      'allowed key types of p256, p384, rsa and ed25519, separated by commas (default: the first three)',
    )
    .option(...ENDPOINT_ROLES)
    .option('--certificate-lifetime <DURATION>', 'maximum lifetime of a certificate')
    .option('--csr-required', 'refuse clients that do not send a certificate request')
    .option('--not-before <TIME>', 'time from which it can be redeemed, RFC 3339')
    .option(
      '--identities <GLOBS>',
      'identities, PROVIDER:SUB, that may redeem it with a token of their provider, separated by commas',
    )
    .option('--identity-uses <N>', 'how often one identity may redeem it (default: 1)')
    .option('--identity-required', 'refuse the code of the grant, and tokens that are not bound to a key');
}
