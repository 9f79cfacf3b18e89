import { existsSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';

const database = releaseAfterFile(await createTestDatabase());
const work = releaseAfterFile(new Workplace());
const env = { PGPASSWORD: database.password };
const run = (...words: readonly string[]) => linkgrant(words, { env });
const on = (name: string) => ['--data-dir', work.path(name), '--store', database.url];

it('with PostgreSQL, store backup and restore save the files, and name pg_dump and pg_restore for the database', async () => {
  const file = work.path('backup.gz');
  await work.serveOnce([...on('first'), ...ENDPOINT], { env });
  expectSuccess(await run('grant', 'create', 'hub', ...on('first')));
  const saved = expectSuccess(await run('store', 'backup', file, ...on('first')));
  expect(saved.stdout).toContain(`pg_dump -Fc -n linkgrant -f ${file}.dump ${database.url}`);
  const without = expectRefusal(
    await run('store', 'restore', file, '--keep', '--data-dir', work.path('second')),
    2,
  );
  expect(without.error).toContain('contains no store');
  expect(existsSync(work.path('second'))).toBe(false);
  const restored = expectSuccess(await run('store', 'restore', file, ...on('second')));
  expect(restored.stdout).toContain(`pg_restore -c -d ${database.url} ${file}.dump`);
  expect(restored.stdout).toContain('linkgrant store restored');
  expect(readdirSync(work.path('second')).sort()).toEqual([
    'code-keys',
    'issuers',
    'ledger.key',
    'restore-undecided',
  ]);
  // The database was not touched, so that a service of the second host can use it once it is accepted there.
  const grants = json(await run('grant', 'list', '-o', 'json', ...on('second')));
  expect(grants).toMatchObject([{ name: 'hub' }]);
  const refused = expectRefusal(await run('serve', ...on('second'), ...ENDPOINT), 2);
  expect(refused.error).toContain('the store is not accepted yet');
  expect(expectRefusal(await run('store', 'restored', ...on('second')), 2).hint).toContain('add --keep');
  expectSuccess(await run('store', 'restored', '--keep', ...on('second')));
  await work.serveOnce([...on('second'), ...ENDPOINT], { env });
});
