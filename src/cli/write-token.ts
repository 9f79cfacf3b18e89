import { lstatSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { AccessToken } from '../domain/access-token.js';
import { encodeAccessToken } from '../domain/access-token-resource.js';
import { createPrivateFile, makePrivateDirectory, writePrivateFile } from '../files/private-file.js';
import { CommandError } from './command-error.js';
import { formatTime } from './output.js';
import { writeOut } from './write-out.js';

/** Writes text to a private file, or to standard output for `-`. Rejects with a CommandError where that is not possible. */
export async function writeSecretOutput(target: string, text: string): Promise<void> {
  if (target === '-') return writeOut(text);
  orUnwritable(target, () => {
    makePrivateDirectory(dirname(resolve(target)));
    if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) throw new Error('it is a directory');
    writePrivateFile(target, text);
  });
}

/** Writes tokens into a directory as `<name>-<number>.yaml`, each a new file, and gives the file's path. */
export function tokenDirectory(directory: string): (token: AccessToken) => string {
  let number = 0;
  return (token) =>
    orUnwritable(directory, () => {
      makePrivateDirectory(resolve(directory));
      for (;;) {
        number += 1;
        const file = join(directory, `${token.name}-${number}.yaml`);
        if (createPrivateFile(file, encodeAccessToken(token))) return file;
      }
    });
}

/** How often and until when a token can be redeemed, as the end of a sentence. */
export function limitsOf({ redemptionsAllowed, expirationTime }: AccessToken): string {
  const uses = redemptionsAllowed === 1 ? 'once' : `${redemptionsAllowed} times`;
  return `${uses}${expirationTime === undefined ? '' : `, until ${formatTime(expirationTime)}`}`;
}

function orUnwritable<T>(target: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new CommandError(`"${target}" cannot be written: ${(error as Error).message}`, {
      exitCode: 1,
      hint: 'name a file in a directory that you can write to, or - for standard output',
      cause: error,
    });
  }
}
