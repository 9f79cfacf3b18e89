import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  createPrivateFile,
  makePrivateDirectory,
  sweepBeside,
  syncDirectory,
  writePrivateFile,
} from '../../files/private-file.js';
import type { OpenPendingRenewal } from '../../redemption/ports/pending-renewal.js';
import { writing } from './not-writable.js';

/**
 * The keys of renewals under way, in `<data directory>/renewals/<redemption id>.<SHA-256 of the old certificate>.pem`
 * (0600 in 0700). The `clock` only tells how old left-over temporary files are.
 */
export function renewalDirectory(dataDirectory: string, clock: () => number): OpenPendingRenewal {
  const directory = join(dataDirectory, 'renewals');
  return async (redemptionId, certificateSha256) => {
    const fileOf = (sha256: string) => join(directory, `${redemptionId}.${sha256}.pem`);
    const file = fileOf(certificateSha256);
    writing(directory, () => {
      makePrivateDirectory(directory);
      sweepBeside(directory, clock(), () => true);
    });
    return {
      ensureKey: async (make, isUsable) => {
        const kept = writing(file, () => readIfThere(file));
        if (kept !== undefined && isUsable(kept)) return kept;
        const made = await make();
        return writing(file, () => {
          if (kept !== undefined) writePrivateFile(file, made);
          return kept === undefined ? publish(file, made) : made;
        });
      },
      finish: async (newestSha256) =>
        writing(directory, () => removeRenewals(directory, redemptionId, fileOf(newestSha256))),
    };
  };
}

/** Removes the keys of a redemption's renewals but for the file `kept`, if there is such a directory. */
export function removeRenewals(directory: string, redemptionId: string, kept?: string): void {
  const files = namesIn(directory)
    .filter((name) => name.startsWith(`${redemptionId}.`) && name.endsWith('.pem'))
    .map((name) => join(directory, name))
    .filter((file) => file !== kept);
  for (const file of files) rmSync(file, { force: true });
  if (files.length > 0) syncDirectory(directory);
}

/** Makes `file` unless it is there; gives what is in it then. */
function publish(file: string, content: string): string {
  for (;;) {
    if (createPrivateFile(file, content)) return content;
    const there = readIfThere(file);
    // A run beside this one may have finished, and removed it again.
    if (there !== undefined) return there;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
