import type { Command } from 'commander';

/** The names of {@link PolicyFlags}. */
export const POLICY_FLAGS = [
  'subjects',
  'names',
  'sourceCidrs',
  'keyTypes',
  'certificateLifetime',
  'csrRequired',
  'notBefore',
] as const satisfies readonly (keyof PolicyFlags)[];

/** The flags of a grant's policy, as they were typed; the rule's names in camel case. */
export interface PolicyFlags {
  readonly subjects?: string;
  readonly names?: string;
  readonly sourceCidrs?: string;
  readonly keyTypes?: string;
  readonly certificateLifetime?: string;
  readonly csrRequired?: boolean;
  readonly notBefore?: string;
}

/** Adds the flags of a grant's policy to a command. */
export function addPolicyFlags(command: Command): Command {
  return command
    .option('--subjects <GLOBS>', "subjects that may redeem it, parted by commas; '' means nobody")
    .option('--names <GLOBS>', "names that its links may have, parted by commas; '' means none")
    .option('--source-cidrs <CIDRS>', "addresses to redeem it from, parted by commas; '' means nowhere")
    .option(
      '--key-types <TYPES>',
      'of p256, p384, rsa and ed25519, parted by commas (default: the first three)',
    )
    .option('--certificate-lifetime <DURATION>', 'longest life of a certificate')
    .option('--csr-required', 'only for sites that make their key themselves')
    .option('--not-before <TIME>', 'when it can first be redeemed, RFC 3339');
}
