import { join } from 'node:path';
import {
  makeNamedDirectory,
  requireCreatable,
  requireReplaceable,
  writeNamedFile,
} from '../../files/named-output.js';
import { createPrivateFile } from '../../files/private-file.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';
import { withTargetErrors } from '../terminal/target-errors.js';
import { deliver } from '../terminal/write-out.js';

const LIMITS = { documents: 100 };
const NEW_TARGET_HINT = 'use a new path in an existing, writable directory, or - for standard output';

/**
 * Writes text to a private file, or to standard output for `-`. Replaces a file only if each of its documents has that `kind`.
 * Rejects with a CommandError if the text cannot be written.
 */
export async function writeSecretOutput(target: string, text: string, kind: string): Promise<void> {
  if (target === '-') return deliver(text);
  withTargetErrors(target, NEW_TARGET_HINT, () =>
    writeNamedFile(target, text, (existing) => isOfKind(existing, kind)),
  );
}

/** Throws the CommandErrors of {@link writeSecretOutput}, or with `count` those of {@link tokenDirectory}, without writing. */
export function requireWritable(target: string, kind: string, count?: number): void {
  if (target === '-') return;
  withTargetErrors(target, NEW_TARGET_HINT, () => {
    if (count === undefined) requireReplaceable(target, (existing) => isOfKind(existing, kind));
    else requireCreatable(target);
  });
}

/** Returns a function that writes a token into the directory, as a new file `<name>-<number>.yaml`, and returns its path. */
export function tokenDirectory(directory: string): (name: string, document: string) => string {
  let number = 0;
  return (name, document) =>
    withTargetErrors(directory, NEW_TARGET_HINT, () => {
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
