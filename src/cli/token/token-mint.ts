import { flagOf } from '../../config/settings.js';
import { encodeAccessToken } from '../../domain/access-token-resource.js';
import { formatTime } from '../../domain/rfc3339.js';
import { mintToken } from '../../redemption/accepting/mint-token.js';
import { POLICY_FLAGS } from '../grant/policy-flags.js';
import { CommandError } from '../terminal/command-error.js';
import { handOutTokens, mintingRequest, type SignedTokenFlags } from './minted-tokens.js';
import { readSigningKey } from './signing-key-file.js';

/** The flags of `token issue --signing-key`; flags that need the service's store are refused. */
export interface TokenMintFlags extends SignedTokenFlags {
  readonly signingKey: string;
  readonly [flag: string]: unknown;
}

const OF_THE_STORE = [
  ...['grant', 'codeFile', 'issuer', 'namespace', 'platform', 'dataDir', 'store'],
  ...['server', 'serverCa', 'serverTokenFile'],
  ...['kubeconfig', 'context', 'serviceNamespace', 'deadline'],
  ...['label', 'note'],
  ...POLICY_FLAGS,
] as const;

/** `token issue --signing-key`: writes signed tokens with a grant's exported key, without a store or a service. */
export async function mintCommand(target: string, flags: TokenMintFlags): Promise<void> {
  const needless = OF_THE_STORE.filter((flag) => flags[flag] !== undefined);
  if (needless.length > 0) {
    throw new CommandError('--signing-key says which grant it is of, and needs nothing of the service', {
      exitCode: 2,
      hint: `leave out ${needless.map(flagOf).join(', ')}`,
    });
  }
  const request = mintingRequest(target, flags);
  const key = await readSigningKey(flags.signingKey);
  await handOutTokens(request, key.grant, async () => {
    const minted = await mintToken(key, request, Date.now);
    if ('rejected' in minted) {
      throw new CommandError(`the token was not issued: ${minted.rejected}`, {
        exitCode: 1,
        hint: 'see `linkgrant grant list` on the side of the service',
      });
    }
    const { token, code } = minted;
    const { jti: id, uses: redemptionsAllowed } = code;
    const { name, url } = token;
    const expirationTime = formatTime(code.expirationTime);
    return {
      id,
      name,
      url,
      document: encodeAccessToken(token),
      redemptionsAllowed,
      expirationTime,
      notes: [],
    };
  });
}
