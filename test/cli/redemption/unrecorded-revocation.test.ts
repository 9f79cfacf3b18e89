import { expect, it } from 'vitest';
import { ENDPOINT, expectRefusal, expectSuccess, linkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { withSqliteFile } from '../../support/stores/sqlite-file.js';

const work = releaseAfterFile(new Workplace());
const on = ['--data-dir', work.path('data')];
const change = (sql: string) => withSqliteFile(work.path('data', 'linkgrant.db'), (file) => file.exec(sql));

it('a command does not report a revocation that a trigger of the store prevented', async () => {
  await work.serveOnce([...on, ...ENDPOINT]);
  expectSuccess(await linkgrant(['grant', 'create', 'hub', ...on]));
  change('CREATE TRIGGER t BEFORE UPDATE OF revoked_at ON grants BEGIN SELECT RAISE(IGNORE); END');
  for (const words of [
    ['grant', 'revoke', 'hub'],
    ['grant', 'revoke', 'hub', '--cascade'],
  ]) {
    const failed = expectRefusal(await linkgrant([...words, ...on]), 1);
    expect(failed.error).toContain('the store did not record the revocation');
  }
  const verified = expectRefusal(await linkgrant(['ledger', 'verify', ...on]), 1);
  expect(verified.error).toContain('trigger');
  change('DROP TRIGGER t');
  const revoked = expectSuccess(await linkgrant(['grant', 'revoke', 'hub', ...on]));
  expect(revoked.stdout).toContain('Grant "hub" is revoked');
});
