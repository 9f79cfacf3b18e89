import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = join(import.meta.dirname, '../fixtures/csr');

/** The requests of `test/fixtures/csr` by name, in the order of their names. */
export function readRequestSeeds() {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.pem'))
    .sort()
    .map((file) => {
      const [, base64 = ''] = readFileSync(join(DIRECTORY, file), 'latin1').split(/-----[A-Z ]+-----/);
      return { name: file.slice(0, -'.pem'.length), der: Buffer.from(base64, 'base64') };
    });
}
