import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import { isUuid } from '../../domain/names.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { syncDirectory } from '../../files/private-file.js';
import { asMapping, parseYamlMappings } from '../../files/yaml-documents.js';
import type { LinkRecords } from '../../redemption/ports/link-files.js';
import { writing } from './not-writable.js';
import { removeRenewals } from './renewal-directory.js';

const LIMITS = { length: 1024 * 1024, documents: 65 };
const REMOVED = '.removed-';

/**
 * The records of a link in the data directory: pending redemptions in `redemptions/`, found by their stored response, and
 * the keys of renewals in `renewals/`. `remove` counts only the redemptions.
 */
export function linkRecords(dataDirectory: string): LinkRecords {
  const directory = join(dataDirectory, 'redemptions');
  return {
    remove: async ({ redemptionId, tlsCrt }) =>
      writing(directory, () => {
        if (redemptionId !== undefined && isUuid(redemptionId)) {
          removeRenewals(join(dataDirectory, 'renewals'), redemptionId);
        }
        if (!existsSync(directory)) return 0;
        const certificate = tlsCrt && Buffer.from(tlsCrt).toString('base64');
        const matching = readdirSync(directory).filter((name) => {
          if (name.startsWith('.')) return false;
          const stored = answerSecret(join(directory, name, 'answer.yaml'));
          if (!stored) return false;
          if (redemptionId !== undefined && stored.redemptionId === redemptionId) return true;
          return certificate !== undefined && certificate !== '' && stored.tlsCrt === certificate;
        });
        // Renamed first, so that the deletion is atomic: a record without its key would block its token forever.
        for (const name of matching) {
          renameSync(join(directory, name), join(directory, `${REMOVED}${name}.${randomUUID()}`));
        }
        syncDirectory(directory);
        for (const name of readdirSync(directory)) {
          if (name.startsWith(REMOVED)) rmSync(join(directory, name), { recursive: true, force: true });
        }
        return matching.length;
      }),
  };
}

function answerSecret(
  file: string,
): { readonly redemptionId: unknown; readonly tlsCrt: unknown } | undefined {
  try {
    const [secret] = parseYamlMappings(readBoundedText(file), LIMITS);
    const annotations = asMapping(asMapping(secret?.metadata).annotations);
    return { redemptionId: annotations[SECRET_REDEMPTION_ID], tlsCrt: asMapping(secret?.data)['tls.crt'] };
  } catch {
    return undefined;
  }
}
