import { join } from 'node:path';
import { explainFileError } from '../../files/file-error.js';
import { makeNamedDirectory, writeNamedFile } from '../../files/named-output.js';
import { createPrivateFile } from '../../files/private-file.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';
import { CommandError } from '../terminal/command-error.js';
import { writeOut } from '../terminal/write-out.js';

const LIMITS = { documents: 100 };

/**
 * Writes text to a private file, or to standard output for `-`. Replaces a file only if each of its documents has that `kind`.
 * Rejects with a CommandError if the text cannot be written.
 */
export async function writeSecretOutput(target: string, text: string, kind: string): Promise<void> {
  if (target === '-') return writeOut(text);
  withTargetErrors(target, () => writeNamedFile(target, text, (existing) => isOfKind(existing, kind)));
}

/** Returns a function that writes a token into the directory, as a new file `<name>-<number>.yaml`, and returns its path. */
export function tokenDirectory(directory: string): (name: string, document: string) => string {
  let number = 0;
  return (name, document) =>
    withTargetErrors(directory, () => {
      makeNamedDirectory(directory);
      for (;;) {
        number += 1;
        const file = join(directory, `${name}-${number}.yaml`);
        if (createPrivateFile(file, document)) return file;
      }
    });
}

function isOfKind(text: string, kind: string): boolean {
  try {
    const documents = parseYamlMappings(text, LIMITS);
    return documents.length > 0 && documents.every((document) => document.kind === kind);
  } catch {
    return false;
  }
}

function withTargetErrors<T>(target: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new CommandError(`"${target}" cannot be written: ${explainFileError(target, error).reason}`, {
      exitCode: 1,
      hint: 'use a new path in an existing, writable directory, or - for standard output',
      cause: error,
    });
  }
}
