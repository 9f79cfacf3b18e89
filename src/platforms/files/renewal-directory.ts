import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../files/directory-names.js';
import { ifExists } from '../../files/file-error.js';
import {
  createPrivateFile,
  makePrivateDirectory,
  sweepStaleFiles,
  syncDirectory,
  writePrivateFile,
} from '../../files/private-file.js';
import type { OpenPendingRenewal } from '../../redemption/ports/pending-renewal.js';
import { withWriteErrors } from './not-writable.js';

/**
 * Stores the keys of pending renewals in `<data directory>/renewals/<redemption id>.<SHA-256 of the old certificate>.pem`
 * (0600 in 0700). The `clock` determines the age of left-over temporary files.
 */
export function renewalDirectory(dataDirectory: string, clock: () => number): OpenPendingRenewal {
  const directory = join(dataDirectory, 'renewals');
  return async (redemptionId, certificateSha256) => {
    const fileOf = (sha256: string) => join(directory, `${redemptionId}.${sha256}.pem`);
    const file = fileOf(certificateSha256);
    withWriteErrors(directory, () => {
      makePrivateDirectory(directory);
      sweepStaleFiles(directory, clock(), () => true);
    });
    return {
      ensureKey: async (make, isUsable) => {
        const stored = withWriteErrors(file, () => readIfPresent(file));
        if (stored !== undefined && isUsable(stored)) return stored;
        const keyPem = await make();
        return withWriteErrors(file, () => {
          if (stored === undefined) return createOrRead(file, keyPem);
          writePrivateFile(file, keyPem);
          return keyPem;
        });
      },
      deleteOtherKeys: async (currentSha256) =>
        withWriteErrors(directory, () => removeRenewals(directory, redemptionId, fileOf(currentSha256))),
    };
  };
}

/** Deletes the keys of a redemption's renewals except the file `except`. The directory may be missing. */
export function removeRenewals(directory: string, redemptionId: string, except?: string): void {
  const files = namesIn(directory)
    .filter((name) => name.startsWith(`${redemptionId}.`) && name.endsWith('.pem'))
    .map((name) => join(directory, name))
    .filter((file) => file !== except);
  for (const file of files) rmSync(file, { force: true });
  if (files.length > 0) syncDirectory(directory);
}

/** Creates `file` with this content unless it exists. Returns the content of the file. */
function createOrRead(file: string, content: string): string {
  for (;;) {
    if (createPrivateFile(file, content)) return content;
    const present = readIfPresent(file);
    // Undefined if a concurrent run has finished meanwhile and deleted the file: try again.
    if (present !== undefined) return present;
  }
}

function readIfPresent(file: string): string | undefined {
  return ifExists(() => readFileSync(file, 'utf8'));
}
