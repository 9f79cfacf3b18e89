import { mintSignedCode, type SignedCode } from '../../src/codes/signed-code.js';
import { grantSigningKey } from '../../src/codes/signing-keys.js';
import { CodeKeyDirectory } from '../../src/platforms/standalone/code-key-directory.js';
import { HOUR, type TestService } from './service.js';

/**
 * Stores a grant, and signs a code of it for one redemption within an hour, for the subject "east", that is bound to a key.
 * `changes` replaces fields of the code.
 */
export async function boundCode(
  service: TestService,
  keySha256: string,
  changes: Partial<SignedCode> = {},
): Promise<{ readonly uid: string; readonly code: string }> {
  const { grant } = await service.storedGrant({ redemptionsAllowed: 10 });
  const codeKeys = new CodeKeyDirectory(service.directory, service.clock.read);
  const now = service.clock.read();
  const code = await mintSignedCode(
    {
      ...{ jti: 'bound-token', grantUid: grant.uid, uses: 1, subject: 'east', keySha256 },
      ...{ issuedAt: now, expirationTime: now + HOUR, ...changes },
    },
    grantSigningKey(await codeKeys.current(), grant.uid),
  );
  return { uid: grant.uid, code };
}
