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
 * The pending redemptions below `<data directory>/redemptions/`, found again by their kept answer, and the keys of renewals
 * below `renewals/`, which are not counted.
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
          const kept = keptSecret(join(directory, name, 'answer.yaml'));
          if (!kept) return false;
          if (redemptionId !== undefined && kept.redemptionId === redemptionId) return true;
          return certificate !== undefined && certificate !== '' && kept.tlsCrt === certificate;
        });
        // Out of sight at once: a record that lost only its key would keep its token from ever being redeemed again.
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

function keptSecret(file: string): { readonly redemptionId: unknown; readonly tlsCrt: unknown } | undefined {
  try {
    const [secret] = parseYamlMappings(readBoundedText(file), LIMITS);
    const annotations = asMapping(asMapping(secret?.metadata).annotations);
    return { redemptionId: annotations[SECRET_REDEMPTION_ID], tlsCrt: asMapping(secret?.data)['tls.crt'] };
  } catch {
    return undefined;
  }
}
