import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { passwordInFile } from '../../../../src/stores/postgres/password-file.js';
import { directoryForFile } from '../../../support/release.js';

const directory = directoryForFile();
const file = join(directory, 'pgpass');

const endpoint = { host: 'db', port: 5432, database: 'grants', user: 'service' };

it.each([
  ['db:5432:grants:service:one', 'one'],
  ['# db:5432:grants:service:no\nother:*:*:*:no\ndb:*:*:service:two\n*:*:*:*:later', 'two'],
  ['*:*:*:*:with \\: and \\\\ in it', 'with : and \\ in it'],
  ['db:5433:*:*:no', undefined],
  ['db:5432:grants:service:of Windows\r\n', 'of Windows'],
  ['db:5432:grants:no', undefined],
  ['', undefined],
])('a password is found as libpq finds it: %j', (content, password) => {
  writeFileSync(file, content, { mode: 0o600 });
  expect(passwordInFile(file, endpoint)).toBe(password);
});

it('a Unix socket uses the password of localhost, as in libpq', () => {
  writeFileSync(file, 'localhost:5432:*:*:three\n', { mode: 0o600 });
  expect(passwordInFile(file, { ...endpoint, host: '/run/postgresql' })).toBe('three');
});

it('no password is found if the file is missing', () => {
  expect(passwordInFile(join(directory, 'nowhere'), endpoint)).toBeUndefined();
});

it('a password file that other users can read is refused', () => {
  const readable = join(directory, 'readable');
  writeFileSync(readable, '');
  // The umask does not apply to chmod.
  chmodSync(readable, 0o640);
  expect(() => passwordInFile(readable, endpoint)).toThrow('other users may read');
});
