import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fileVersion } from '../../../src/files/file-version.js';
import { directoryForTest } from '../../support/release.js';

it('the version of a file changes if a file with the same size and time replaces it', () => {
  const directory = directoryForTest();
  const [file, other] = [join(directory, 'old.pem'), join(directory, 'new.pem')] as const;
  writeFileSync(file, 'one');
  writeFileSync(other, 'two');
  const { atime, mtime } = statSync(file);
  utimesSync(file, atime, mtime);
  utimesSync(other, atime, mtime);
  const version = fileVersion(file);
  expect(fileVersion(file)).toBe(version);
  renameSync(other, file);
  expect(fileVersion(file)).not.toBe(version);
});

it('the version of a file changes if it is written again with the same size, and its time is restored', async () => {
  const file = join(directoryForTest(), 'keys.json');
  writeFileSync(file, 'one');
  const { atime, mtime } = statSync(file);
  const version = fileVersion(file);
  // A file system may count time in steps of some milliseconds.
  await expect
    .poll(() => {
      writeFileSync(file, 'two');
      utimesSync(file, atime, mtime);
      return fileVersion(file);
    })
    .not.toBe(version);
});
