import { readSignedCode } from '../../codes/signed-code.js';
import type { AccessToken } from '../../domain/access-token.js';

/** The subject to redeem a token for: the one that was asked for, else the only one that its code allows, else the site's. */
export function wantedSubject(
  token: AccessToken,
  asked: string | undefined,
  site: { uid(): string | undefined } | undefined,
): string | undefined {
  return asked ?? readSignedCode(token.code)?.subject ?? site?.uid();
}
