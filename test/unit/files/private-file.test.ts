import { chownSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
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

// Only root can create a file of another user.
it.runIf(process.getuid?.() === 0)(
  'deletes only its own left-over files from a directory where others may write',
  () => {
    const directory = directoryForTest();
    const name = (end: number) => `.token.yaml.11111111-2222-4333-8444-55555555555${end}`;
    const path = (end: number) => join(directory, name(end));
    for (const end of [1, 2]) writeFileSync(path(end), '');
    mkdirSync(path(3));
    for (const end of [1, 2, 3]) utimesSync(path(end), 0, 0);
    chownSync(path(2), 65_534, 65_534);
    writePrivateFile(join(directory, 'token.yaml'), 'token');
    expect(readdirSync(directory).sort()).toEqual([name(2), name(3), 'token.yaml']);
  },
);
