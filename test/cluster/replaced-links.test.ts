import { expect, it } from 'vitest';
import { expectSuccess, json } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { startApiProxy } from './harness/api-proxy.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { requestingNamespace } from './harness/requesting-namespace.js';
import { serveCluster } from './harness/served.js';

const { cluster, account, workplace, west, administrator } = await openAcceptingNamespace();
const proxy = releaseAfterFile(await startApiProxy(account.kubeconfig));
await serveCluster(workplace, proxy.kubeconfig);
const place = releaseAfterFile(await requestingNamespace(cluster));
const rebuilt = releaseAfterFile(await requestingNamespace(cluster));

const issue = async (...words: readonly string[]) =>
  expectSuccess(
    await administrator('token', 'issue', '--print', 'line', ...words, '--service-namespace', LINKGRANT),
  ).stdout.trim();
const show = async (id: string) =>
  json(expectSuccess(await west.run(['redemption', 'show', id, '-o', 'json'])));

it('a token that replaces a link issues nothing before the link is revoked, and then both Redemptions name the other', async () => {
  expectSuccess(await place.run(['join', await issue('--name', 'shop')]));
  const [{ id }] = json(expectSuccess(await west.run(['redemption', 'list', '-o', 'json'])));
  const before = await show(id);
  const line = await issue('--replaces', place.siteUid);
  expect(await show(id)).toEqual(before);

  proxy.decide(({ method, path }) =>
    method === 'PATCH' && path.includes('/redemptions/') ? { status: 403 } : 'pass',
  );
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { code } = await rebuilt.run(['join', line, '--timeout', '60s']);
    expect([code, await rebuilt.links()]).toEqual([4, []]);
    expect((await show(id)).revokedAt).toBeUndefined();
  }

  proxy.decide(() => 'pass');
  expectSuccess(await rebuilt.run(['join', line]));
  const { revokedAt, replacedBy } = await show(id);
  expect(revokedAt).toBeDefined();
  expect(await show(replacedBy)).toMatchObject({ replaces: id, subject: place.siteUid, name: 'shop' });
  const all = json(expectSuccess(await west.run(['redemption', 'list', '-o', 'json'])));
  expect(all.map((redemption: { readonly id: string }) => redemption.id).sort()).toEqual(
    [id, replacedBy].sort(),
  );
  expectSuccess(await rebuilt.run(['join', line]));
  const renewed = await place.run(['link', 'renew', '--all', '--within', '3650d', '--yes']);
  expect([renewed.code, renewed.stderr]).toEqual([3, expect.stringContaining('replaced by a new one')]);
});
