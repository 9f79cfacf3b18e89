import { commandContext } from '../../config/command-context.js';
import { flagOf } from '../../config/settings.js';
import { accessTokenResource } from '../../domain/access-token.js';
import { formatTime } from '../../domain/rfc3339.js';
import { joinLineOf } from '../../redemption/accepting/join-line-of.js';
import { mintToken } from '../../redemption/accepting/mint-token.js';
import { POLICY_FLAGS } from '../grant/policy-flags.js';
import { announceDryRun } from '../session/dry-run.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { ADMINISTRATION_SETTINGS } from '../terminal/settings-options.js';
import { mintingRequest, type SignedTokenFlags, writeSignedTokens } from './signed-tokens.js';
import { readSigningKey } from './signing-key-file.js';
import { type TokenDeliveryFlags, tokenDelivery } from './token-forms.js';

/** The flags of `token issue --signing-key`; other flags of `token issue` are refused. */
export interface TokenMintFlags extends SignedTokenFlags, TokenDeliveryFlags {
  readonly signingKey: string;
  readonly [flag: string]: unknown;
}

/** Flags that choose a grant or a service, or define a new grant. */
const REFUSED_FLAGS = [
  ...['grant', 'replaces', 'codeFile', 'issuer', 'deadline', 'wait', 'label', 'note'],
  ...ADMINISTRATION_SETTINGS,
  ...POLICY_FLAGS,
];

/** `token issue --signing-key`: issues signed tokens with the exported key of a grant, without a store or a service. */
export async function tokenMintCommand(file: string | undefined, flags: TokenMintFlags): Promise<void> {
  const refused = REFUSED_FLAGS.filter((flag) => flags[flag] !== undefined);
  if (refused.length > 0) {
    throw usageError(
      '--signing-key determines the grant and does not use the service, so it also cannot revoke a link',
      `omit ${refused.map(flagOf).join(', ')}`,
    );
  }
  if (flags.signingKey === '-' && flags.request === '-') {
    throw usageError(
      '--signing-key - and --request - both read standard input',
      'name a file for one of them',
    );
  }
  const request = await mintingRequest(tokenDelivery(file, flags), flags);
  const key = await readSigningKey(flags.signingKey);
  announceDryRun(flags);
  await writeSignedTokens(request, key.grant, async () => {
    const minted = await mintToken(key, request, commandContext().clock);
    if ('problem' in minted) {
      throw new CommandError(`the token was not issued: ${minted.problem}`, {
        exitCode: 1,
        hint: 'see `linkgrant grant list` on the host of the service',
      });
    }
    const { token, code } = minted;
    const joinLine = joinLineOf(token);
    return {
      id: code.jti,
      token: accessTokenResource(token),
      ...(joinLine !== undefined && { joinLine }),
      redemptionsAllowed: code.uses,
      ...(code.subject !== undefined && { subject: code.subject }),
      expirationTime: formatTime(code.expirationTime),
      notes: [],
    };
  });
}
