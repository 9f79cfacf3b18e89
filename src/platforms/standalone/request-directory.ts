import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../files/directory-names.js';
import { ifExists } from '../../files/file-error.js';
import { createPrivateFile, makePrivateDirectory, syncDirectory } from '../../files/private-file.js';
import type { LinkRequestStore } from '../../redemption/ports/link-requests.js';
import { withWriteErrors } from '../files/not-writable.js';

const FILE = /^[0-9a-f]{64}\.pem$/;

/** Waiting link requests as files `<data directory>/requests/<id>.pem` (0600). The first of concurrent processes creates a file. */
export function requestDirectory(dataDirectory: string): LinkRequestStore {
  const place = join(dataDirectory, 'requests');
  const fileOf = (id: string) => join(place, `${id}.pem`);
  return {
    place,
    async ensure(id, text) {
      const file = fileOf(id);
      return withWriteErrors(file, () => {
        makePrivateDirectory(place);
        return createPrivateFile(file, text) ? text : readFileSync(file, 'utf8');
      });
    },
    async list() {
      return withWriteErrors(place, () => {
        const names = namesIn(place).filter((name) => FILE.test(name));
        return names.flatMap((name) => ifExists(() => readFileSync(join(place, name), 'utf8')) ?? []);
      });
    },
    async remove(id) {
      const file = fileOf(id);
      return withWriteErrors(file, () => {
        if (ifExists(() => rmSync(file) ?? true) === undefined) return false;
        syncDirectory(place);
        return true;
      });
    },
  };
}
