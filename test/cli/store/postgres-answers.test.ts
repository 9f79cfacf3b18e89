import { expect, it } from 'vitest';
import { expectSuccess, json, linkgrant, Workplace } from '../../support/command-line.js';
import { startOpensslRouter } from '../../support/links/openssl-router.js';
import { releaseAfterFile } from '../../support/release.js';
import { readIdentity } from '../../support/server-identity.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';

const database = releaseAfterFile(await createTestDatabase());
const work = releaseAfterFile(new Workplace());
const env = { PGPASSWORD: database.password };
const store = ['--data-dir', work.path('data'), '--store', database.url];
const run = (...words: readonly string[]) => linkgrant(words, { env });

await work.serve([...['--host', '127.0.0.1', '--endpoint', 'inter-router=127.0.0.1:55671'], ...store], {
  env,
});
const routerFiles = work.path('router');
expectSuccess(
  await run('issuer', 'server-certificate', '--host', '127.0.0.1', '--to', routerFiles, ...store),
);
const router = releaseAfterFile(await startOpensslRouter(readIdentity(routerFiles)));

it('an answer file that is issued on a PostgreSQL store links a site, and ten operators at once count one use', async () => {
  const site = ['--data-dir', work.path('site')];
  const { stdout: line } = expectSuccess(
    await run('link', 'request', '--line', '--subject', 'east', ...site),
  );
  expectSuccess(await run('grant', 'create', 'fleet', '--redemptions-allowed', '5', ...store));
  const issue = ['link', 'issue', '--request', line.trim(), '--grant', 'fleet', ...store];
  const answers = await Promise.all(Array.from({ length: 10 }, () => run(...issue)));
  expect(new Set(answers.map((ended) => expectSuccess(ended).stdout)).size).toBe(1);
  const links = work.path('links');
  const accept = ['link', 'accept', '-', '--to', links, '--yes', ...site];
  expectSuccess(await linkgrant(accept, { input: answers[0]?.stdout ?? '' }));
  const route = ['--connect-to', `127.0.0.1:55671:127.0.0.1:${router.port}`];
  expectSuccess(await run('link', 'check', '--dir', links, ...route));
  const grant = json(expectSuccess(await run('grant', 'show', 'fleet', '-o', 'json', ...store)));
  expect(grant).toMatchObject({ redemptions: 1 });
  // Each replay was written to the ledger before its command ended.
  const events = json(expectSuccess(await run('ledger', 'list', '--grant', 'fleet', '-o', 'json', ...store)));
  const replays = events.filter(({ kind }: { kind: string }) => kind === 'replayed');
  expect(replays.reduce((sum: number, { count = 1 }: { count?: number }) => sum + count, 0)).toBe(9);
  expectSuccess(await run('ledger', 'verify', ...store));
});
