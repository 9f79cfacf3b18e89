import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createPrivateFile, writePrivateFile } from '../../../src/files/private-file.js';
import { directoryForTest } from '../../support/release.js';

const OLD = '11111111-0000-4000-8000-000000000000';
const NEW = '22222222-0000-4000-8000-000000000000';

it.each([
  ['writePrivateFile', writePrivateFile],
  ['createPrivateFile', createPrivateFile],
])('%s deletes what a killed process left of the same file, and no other file', (_name, write) => {
  const directory = directoryForTest();
  const anHourAgo = Date.now() / 1000 - 3_600;
  const others = [
    `.Secret-b.yaml.${OLD}`,
    '.Secret-a.yaml.swp',
    `.Secret-a.yaml.${NEW}`,
    `Secret-a.yaml.${OLD}`,
  ];
  for (const name of [...others, `.Secret-a.yaml.${OLD}`]) {
    const file = join(directory, name);
    writeFileSync(file, 'a key');
    if (!name.endsWith(NEW)) utimesSync(file, anHourAgo, anHourAgo);
  }
  write(join(directory, 'Secret-a.yaml'), 'a key');
  expect(readdirSync(directory).sort()).toEqual([...others, 'Secret-a.yaml'].sort());
});
