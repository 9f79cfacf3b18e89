import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  createPrivateFile,
  makePrivateDirectory,
  sweepBeside,
  syncDirectory,
  writePrivateFile,
} from '../../files/private-file.js';
import type { OpenPendingRenewal } from '../../redemption/pending-renewal.js';
import { writing } from './not-writable.js';

/**
 * The keys of renewals under way, in `<data directory>/renewals/<redemption id>/<SHA-256 of the old certificate>.pem`
 * (0600 in 0700 directories). The `clock` only tells how old left-over temporary files are.
 */
export function renewalDirectories(dataDirectory: string, clock: () => number): OpenPendingRenewal {
  return async (redemptionId, certificateSha256) => {
    const directory = join(dataDirectory, 'renewals', redemptionId);
    const file = join(directory, `${certificateSha256}.pem`);
    const prepare = () => {
      makePrivateDirectory(directory);
      syncDirectory(dirname(directory));
      sweepBeside(directory, clock(), () => true);
    };
    writing(directory, prepare);
    return {
      ensureKey: async (make, isUsable) => {
        const kept = read(file);
        if (kept !== undefined && isUsable(kept)) return kept;
        const made = await make();
        return writing(file, () => {
          // A run beside this one that has finished may have taken the directory away.
          prepare();
          if (kept !== undefined) {
            writePrivateFile(file, made);
            return made;
          }
          return createPrivateFile(file, made) ? made : readFileSync(file, 'utf8');
        });
      },
      finish: async (newestSha256) => {
        writing(directory, () => removeAllBut(directory, `${newestSha256}.pem`));
      },
    };
  };
}

function read(file: string): string | undefined {
  return writing(file, () => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  });
}

function removeAllBut(directory: string, kept: string): void {
  try {
    for (const name of readdirSync(directory)) {
      if (name.endsWith('.pem') && name !== kept) rmSync(join(directory, name), { force: true });
    }
    rmdirSync(directory);
    syncDirectory(dirname(directory));
  } catch (error) {
    // Gone already, or in use by a run beside this one.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(code)) throw error;
  }
}
