import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { adminFlags, makeIssuerKey, signBearer } from '../support/admin-api.js';
import { ENDPOINT, expectSuccess, startLinkgrant } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/until.js';

const site = await openAcceptingSite();
const { place, data } = site;
await site.service.stop();
const run = async (...words: readonly string[]) => expectSuccess(await site.run(...words));

it('grant list -w prints new, changed and removed grants of a store, and ends with exit code 0 at Ctrl-C', async () => {
  await run('grant', 'create', 'first');
  const { child, said, ended } = startLinkgrant(['grant', 'list', '-w', ...data]);
  await until(() => said.stdout.includes('first'));
  await run('grant', 'create', 'second');
  await until(() => said.stdout.includes('second'));
  await run('grant', 'revoke', 'first');
  await until(() => said.stdout.includes('revoked'));
  await run('grant', 'delete', 'second');
  await until(() => said.stdout.includes('removed'));
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  const words = said.stdout.split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' '));
  expect(words).toEqual(['NAME STATE', 'first ready', 'second ready', 'first revoked', 'second removed', '']);
});

it('issuer list -w prints the steps of a rotation', async () => {
  const name = 'skupper-site-ca';
  const { child, said, ended } = startLinkgrant(['issuer', 'list', '-w', '--no-headers', ...data]);
  await until(() => said.stdout.includes(`${name} `));
  const isShown = (state: string) => new RegExp(`^${name} +${state} `, 'm').test(said.stdout);
  await run('issuer', 'prepare', name);
  await until(() => isShown('prepared'));
  await run('issuer', 'activate', name);
  await until(() => isShown('retiring'));
  await run('issuer', 'retire', name, '--force');
  await until(() => isShown('removed'));
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

it('link status -w prints all links again after a change', async () => {
  const links = place.path('links');
  await run('link', 'generate', 'west', '--to', links, ...ENDPOINT);
  const { child, said, ended } = startLinkgrant(['link', 'status', '-w', '-o', 'name', '--dir', links]);
  await until(() => said.stdout === 'west\n');
  await run('link', 'update', 'west', '--cost', '7', '--dir', links);
  await run('link', 'generate', 'east', '--to', links, ...ENDPOINT);
  await until(() => said.stdout === 'west\neast\nwest\n');
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

it('grant list -w --server warns once while the service is restarted, and continues', async () => {
  const key = await makeIssuerKey('first');
  writeFileSync(place.path('bearer'), `${await signBearer(key, Date.now())}\n`, { mode: 0o600 });
  const port = await freePort();
  const serve = () => place.serve([...data, ...ENDPOINT, ...adminFlags(key, place.path('jwks.json'), port)]);
  const service = await serve();
  const server = ['--server', `https://127.0.0.1:${port}`, '--server-token-file', place.path('bearer')];
  const ca = ['--server-ca', place.path('data/issuers/linkgrant-server-ca/tls.crt')];
  const { child, said, ended } = startLinkgrant(['grant', 'list', '-w', ...server, ...ca]);
  await until(() => said.stdout.includes('first'));
  await service.stop();
  await until(() => said.stderr !== '');
  await serve();
  await run('grant', 'create', 'third');
  await until(() => said.stdout.includes('third'));
  child.kill('SIGINT');
  expect(await ended).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^warning: [^\n]+; trying again every 2 s\n$/),
  });
});
