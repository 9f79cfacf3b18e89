import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { directoryLock } from '../../../src/platforms/files/directory-lock.js';
import { pendingDirectories } from '../../../src/platforms/standalone/pending-directory.js';
import { readSavedFiles } from '../../../src/platforms/standalone/saved-files.js';
import { HighWaterMarks } from '../../../src/stores/high-water-marks.js';
import { directoryForTest } from '../../support/release.js';

const CONTENT = 'a file of root that is longer than a high-water mark of a ledger\n';
const STALE = '.x.11111111-2222-4333-8444-555555555555';

/** Creates a file outside the data directory. */
function foreignFile(): string {
  const file = join(directoryForTest(), 'shadow');
  writeFileSync(file, CONTENT, { mode: 0o600 });
  return file;
}

/** Creates a directory outside the data directory with a file that looks like a left-over temporary file. */
function foreignDirectory(): string {
  const directory = join(directoryForTest(), 'etc');
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, STALE), CONTENT);
  utimesSync(join(directory, STALE), 0, 0);
  return directory;
}

it.each([
  ['symbolic', symlinkSync],
  ['hard', linkSync],
])('a high-water mark is not written through a %s link', (_, makeLink) => {
  const [directory, foreign] = [join(directoryForTest(), 'ledger-seen'), foreignFile()];
  mkdirSync(directory);
  makeLink(foreign, join(directory, 'id'));
  new HighWaterMarks(directory).put('id', { epoch: 1, position: 2, mac: new Uint8Array(32) });
  expect(readFileSync(foreign, 'utf8')).toBe(CONTENT);
});

it('a high-water mark is not written into a directory that a symbolic link names', () => {
  const [directory, foreign] = [join(directoryForTest(), 'ledger-seen'), foreignFile()];
  symlinkSync(join(foreign, '..'), directory);
  new HighWaterMarks(directory).put('shadow', { epoch: 1, position: 2, mac: new Uint8Array(32) });
  expect(readFileSync(foreign, 'utf8')).toBe(CONTENT);
});

it.each([
  ['symbolic', symlinkSync],
  ['hard', linkSync],
])('a lock does not truncate a file through a %s link', async (_, makeLink) => {
  const [directory, foreign] = [directoryForTest(), foreignFile()];
  makeLink(foreign, join(directory, 'turn'));
  const locked = directoryLock(directory)(async () => 'locked');
  await expect(locked).rejects.toMatchObject({ code: 'not_writable' });
  expect(readFileSync(foreign, 'utf8')).toBe(CONTENT);
});

it('a pending redemption does not change a directory that a symbolic link names', async () => {
  const [data, foreign] = [directoryForTest(), foreignDirectory()];
  mkdirSync(join(data, 'redemptions'));
  symlinkSync(foreign, join(data, 'redemptions', 'id'));
  const opened = pendingDirectories(data, Date.now)('id');
  await expect(opened).rejects.toMatchObject({ code: 'not_writable' });
  expect(lstatSync(foreign).mode & 0o777).toBe(0o755);
  expect(readFileSync(join(foreign, STALE), 'utf8')).toBe(CONTENT);
});

it.each([
  ['ledger.key', foreignFile],
  ['config.yaml', foreignFile],
  ['code-keys/zz', foreignFile],
  ['issuers/ca/tls.key', foreignFile],
  ['code-keys', foreignDirectory],
  ['issuers/ca', foreignDirectory],
])('a backup refuses the symbolic link %s', async (path, makeForeign) => {
  const data = directoryForTest();
  mkdirSync(join(data, path, '..'), { recursive: true });
  symlinkSync(makeForeign(), join(data, path));
  await expect(readSavedFiles(data)).rejects.toThrow(/it is a symbolic link/);
});
