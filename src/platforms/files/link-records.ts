import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import type { LinkSecret } from '../../domain/link.js';
import { isUuid } from '../../domain/names.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { syncDirectory } from '../../files/private-file.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';
import type { LinkRecords, LinkRedemption } from '../../redemption/ports/link-files.js';
import { MAX_LINKS } from '../../redemption/requesting/link-endpoint.js';
import { linkSecret } from './link-resource.js';
import { withWriteErrors } from './not-writable.js';
import { removeRenewals } from './renewal-directory.js';

const LIMITS = { documents: 1 + MAX_LINKS };
const REMOVED = '.removed-';

/**
 * The records of a link in the data directory: the state of redemptions in `redemptions/`, matched by their stored
 * response, and the keys of renewals in `renewals/`. `remove` returns the number of deleted redemptions only.
 */
export function linkRecords(dataDirectory: string): LinkRecords {
  const directory = join(dataDirectory, 'redemptions');
  return {
    count: async (redemption) => withWriteErrors(directory, () => namesOf(directory, redemption).length),
    remove: async (redemption) =>
      withWriteErrors(directory, () => {
        const { redemptionId } = redemption;
        if (redemptionId !== undefined && isUuid(redemptionId)) {
          removeRenewals(join(dataDirectory, 'renewals'), redemptionId);
        }
        const matching = namesOf(directory, redemption);
        if (existsSync(directory)) removeRecords(directory, matching);
        return matching.length;
      }),
  };
}

function namesOf(directory: string, { redemptionId, tlsCrt }: LinkRedemption): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => {
    if (name.startsWith('.')) return false;
    const stored = readResponseSecret(join(directory, name, 'answer.yaml'));
    const isOfRedemption =
      redemptionId !== undefined && stored?.annotations?.[SECRET_REDEMPTION_ID] === redemptionId;
    // An absent or empty tlsCrt matches no record, not even one without a certificate.
    return isOfRedemption || (tlsCrt && stored?.tlsCrt === tlsCrt);
  });
}

/** Deletes records atomically, by renaming them first: a partly deleted one could block its token forever. */
function removeRecords(directory: string, names: readonly string[]): void {
  for (const name of names) {
    renameSync(join(directory, name), join(directory, `${REMOVED}${name}.${randomUUID()}`));
  }
  syncDirectory(directory);
  // Includes the records that an interrupted run has renamed but not deleted.
  const renamed = readdirSync(directory).filter((name) => name.startsWith(REMOVED));
  for (const name of renamed) rmSync(join(directory, name), { recursive: true, force: true });
}

function readResponseSecret(file: string): LinkSecret | undefined {
  try {
    const [secret] = parseYamlMappings(readBoundedText(file), LIMITS);
    return secret && linkSecret(secret);
  } catch {
    return undefined;
  }
}
