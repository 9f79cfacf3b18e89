import { flagOf } from '../../config/settings.js';
import { type AccessToken, accessTokenResource } from '../../domain/access-token.js';
import { formatTime } from '../../domain/rfc3339.js';
import { joinLineOf } from '../../redemption/accepting/join-line-of.js';
import { mintToken } from '../../redemption/accepting/mint-token.js';
import { POLICY_FLAGS } from '../grant/policy-flags.js';
import { announceDryRun } from '../session/dry-run.js';
import { CommandError } from '../terminal/command-error.js';
import { handOutTokens, mintingRequest, type SignedTokenFlags } from './minted-tokens.js';
import { readSigningKey } from './signing-key-file.js';
import { type TokenDeliveryFlags, tokenDelivery, type WritableToken } from './token-forms.js';

/** The flags of `token issue --signing-key`; flags that need the service's store are refused. */
export interface TokenMintFlags extends SignedTokenFlags, TokenDeliveryFlags {
  readonly signingKey: string;
  readonly [flag: string]: unknown;
}

const OF_THE_STORE = [
  ...['grant', 'codeFile', 'issuer', 'namespace', 'platform', 'dataDir', 'store'],
  ...['server', 'serverCa', 'serverTokenFile'],
  ...['kubeconfig', 'context', 'serviceNamespace', 'deadline', 'wait'],
  ...['label', 'note'],
  ...POLICY_FLAGS,
] as const;

/** `token issue --signing-key`: writes signed tokens with a grant's exported key, without a store or a service. */
export async function mintCommand(file: string | undefined, flags: TokenMintFlags): Promise<void> {
  const needless = OF_THE_STORE.filter((flag) => flags[flag] !== undefined);
  if (needless.length > 0) {
    throw new CommandError('--signing-key determines the grant and does not use the service', {
      exitCode: 2,
      hint: `omit ${needless.map(flagOf).join(', ')}`,
    });
  }
  const request = mintingRequest(tokenDelivery(file, flags), flags);
  const key = await readSigningKey(flags.signingKey);
  announceDryRun(flags);
  await handOutTokens(request, key.grant, async () => {
    const minted = await mintToken(key, request, Date.now);
    if ('rejected' in minted) {
      throw new CommandError(`the token was not issued: ${minted.rejected}`, {
        exitCode: 1,
        hint: 'see `linkgrant grant list` on the host of the service',
      });
    }
    const { token, code } = minted;
    const { jti: id, uses: redemptionsAllowed } = code;
    const expirationTime = formatTime(code.expirationTime);
    return {
      id,
      ...writable(token),
      redemptionsAllowed,
      expirationTime,
      notes: [],
    };
  });
}

function writable(token: AccessToken): WritableToken {
  const joinLine = joinLineOf(token);
  return { token: accessTokenResource(token), ...(joinLine !== undefined && { joinLine }) };
}
