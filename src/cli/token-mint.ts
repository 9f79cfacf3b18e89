import { CommandError } from './command-error.js';
import { handOutTokens, mintingRequest, type SignedTokenFlags } from './minted-tokens.js';
import { POLICY_FLAGS } from './policy-flags.js';
import { readSigningKey } from './signing-key-file.js';

/** The flags of `token issue --signing-key`; those that need the service's store are refused. */
export interface TokenMintFlags extends SignedTokenFlags {
  readonly signingKey: string;
  readonly [flag: string]: unknown;
}

const OF_THE_STORE = [
  ...['grant', 'codeFile', 'issuer', 'namespace', 'platform', 'dataDir', 'store'],
  ...POLICY_FLAGS,
] as const;

/** Writes signed tokens with a grant's exported key alone: no store and no service is asked. */
export async function mintCommand(target: string, flags: TokenMintFlags): Promise<void> {
  const needless = OF_THE_STORE.filter((flag) => flags[flag] !== undefined);
  if (needless.length > 0) {
    throw new CommandError('--signing-key says which grant it is of, and needs nothing of the service', {
      exitCode: 2,
      hint: 'leave out --grant, --code-file, --issuer, --namespace, --platform, --data-dir, --store and the policy of a new grant',
    });
  }
  const request = mintingRequest(target, flags);
  await handOutTokens(await readSigningKey(flags.signingKey), request);
}
