import type { RedeemableToken } from '../../domain/access-token.js';
import { explainFileError } from '../../files/file-error.js';
import { privateKeyPem, readPrivateKey } from '../../pki/keys.js';
import { boundKeyOf } from '../../redemption/requesting/redemption-key.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { readExternalText } from '../terminal/external-text.js';

/** Reads the key of `--key`, as PKCS#8. Rejects with a CommandError if it cannot be read, or if the token is bound to no key. */
export async function readRequestKey(file: string, token: RedeemableToken): Promise<string> {
  if (boundKeyOf(token) === undefined) {
    throw usageError(
      '--key is for a token that is bound to a key',
      'omit --key: the command makes a new key',
    );
  }
  return readKeyFile(file);
}

/** Reads the private key of a request that another program made, as PKCS#8. Rejects with a CommandError if it cannot be read. */
export async function readKeyFile(file: string): Promise<string> {
  try {
    return privateKeyPem(readPrivateKey(await readExternalText(file)));
  } catch (error) {
    throw new CommandError(
      `the key of --key cannot be read: ${file}: ${explainFileError(file, error).reason}`,
      {
        exitCode: 2,
        hint: 'name the private key, in PEM, of the request',
        cause: error,
      },
    );
  }
}
