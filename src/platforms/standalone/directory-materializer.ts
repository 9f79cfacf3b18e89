import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import { encodeLink, encodeLinkSecret } from '../../domain/link-resources.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import {
  makePrivateDirectory,
  sweepBeside,
  writeBeside,
  writePrivateFile,
} from '../../files/private-file.js';
import type { Materializer } from '../../redemption/materializer.js';
import { writing } from './not-writable.js';
import { isOurs } from './own-resource.js';

const MANAGED = { managed: true };
const OWN_FILE = /^(Secret|Link)-.*\.yaml$/;

// 255 bytes are left by file systems, some of them taken by `.Secret-`, a group's number and a temporary file's ending.
const LONGEST_NAME = 200;

/**
 * Materializes into a directory (made 0700 if there is none): `Secret-<name>.yaml`, then `Link-<name>.yaml` of each Link,
 * 0600, each replaced at once. The `clock` only tells how old left-over temporary files are.
 */
export function directoryMaterializer(directory: string, clock: () => number): Materializer {
  const fileOf = (kind: 'Secret' | 'Link', name: string) => join(directory, `${kind}-${name}.yaml`);
  return {
    probe: async (name) => {
      if (name.length > LONGEST_NAME) {
        throw new RedemptionError(
          'not_writable',
          `A link name of more than ${LONGEST_NAME} characters fits no file name.`,
        );
      }
      for (const kind of ['Secret', 'Link'] as const) {
        if (existsSync(fileOf(kind, name))) throw occupied(fileOf(kind, name));
      }
      prepareDirectory(directory, clock());
      writing(directory, () => rmSync(writeBeside(join(directory, 'Secret-.yaml'), '')));
    },
    materialize: async (secret, links, checkpoint) => {
      const id = secret.annotations?.[SECRET_REDEMPTION_ID];
      const files = [
        {
          file: fileOf('Secret', secret.name),
          text: encodeLinkSecret(secret, MANAGED),
          written: 'secret-written',
        },
        ...links.map((link) => ({
          file: fileOf('Link', link.name),
          text: encodeLink(link, secret, MANAGED),
          written: 'link-written',
        })),
      ];
      for (const { file, text } of files) {
        const there = existing(file);
        if (there !== undefined && there !== text && !isOurs(there, { id, secret })) throw occupied(file);
      }
      prepareDirectory(directory, clock());
      for (const { file, text, written } of files) {
        writing(file, () => {
          if (existing(file) !== text) writePrivateFile(file, text);
        });
        await checkpoint(written);
      }
      return files.map(({ file }) => file);
    },
  };
}

function existing(file: string): string | undefined {
  return writing(file, () => (existsSync(file) ? readFileSync(file, 'utf8') : undefined));
}

function occupied(file: string): RedemptionError {
  return new RedemptionError(
    'not_writable',
    `${file} is there already and is not of this redemption; move it away, or choose another name or directory.`,
  );
}

/** Makes `directory` if there is none, and removes what runs that died have left in it. */
function prepareDirectory(directory: string, now: number): void {
  writing(directory, () => {
    makePrivateDirectory(directory);
    sweepBeside(directory, now, (name) => OWN_FILE.test(name));
  });
}
