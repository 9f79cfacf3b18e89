import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ENDPOINT, expectSuccess, linkgrant, refusalOf, Workplace } from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { releaseAfterTest } from '../../support/release.js';
import { makeIdentity } from '../../support/server-identity.js';
import { makeAuthority, OpenSsl } from '../../unit/pki/openssl.js';

it('a redemption that is repeated with another data directory is refused with the advice to use the first one', async () => {
  const place = releaseAfterTest(new Workplace());
  const accepting = ['--data-dir', place.path('accepting')];
  await place.serve([...accepting, ...ENDPOINT]);
  const token = place.path('token.yaml');
  expectSuccess(await linkgrant(['token', 'issue', token, ...accepting]));
  const redeem = (dataDirectory: string, to: string) =>
    linkgrant(['token', 'redeem', token, '--data-dir', place.path(dataDirectory), '--to', place.path(to)]);
  expectSuccess(await redeem('first', 'links'));
  for (const to of ['links', 'others']) {
    const refused = await redeem('second', to);
    expect(refused.code).not.toBe(0);
    expect(refusalOf(refused).hint).toContain('repeat as the same user with the same --data-dir');
  }
  expectSuccess(await redeem('first', 'links'));
});

it('a service that starts with another data directory says so, and doctor names the flag that differs', async () => {
  const place = releaseAfterTest(new Workplace());
  const listen = ['--listen', `127.0.0.1:${await freePort()}`];
  const at = (name: string) => ['--data-dir', place.path(name), ...ENDPOINT, ...listen];
  const first = await place.serve(at('first'));
  expect(first.said.stdout).toMatch(/^First start with \S+first: it had no CAs yet$/m);
  await first.stop();
  const other = await place.serve(at('other'));
  expect(other.said.stdout).toContain('First start with');
  const doctor = () => linkgrant(['doctor', '--data-dir', place.path('first')]);
  const confused = await doctor();
  expect(confused.code).not.toBe(0);
  expect(confused.stdout).toContain('start it with the --data-dir of this command');
  await other.stop();
  expect((await doctor()).stdout).not.toContain('new token');
  const again = await place.serve(at('first'));
  expect(again.said.stdout).not.toContain('First start with');
});

it('a service whose certificates all come from files of the operator reports no first start', async () => {
  const place = releaseAfterTest(new Workplace());
  const { cert, key, ca } = await makeIdentity();
  const issuer = makeAuthority(releaseAfterTest(new OpenSsl()));
  const contents = { cert, key, ca, issuerCert: issuer.certificate, issuerKey: issuer.key };
  for (const [name, content] of Object.entries(contents))
    writeFileSync(place.path(name), content, { mode: 0o600 });
  const tls = [
    '--tls-cert',
    place.path('cert'),
    '--tls-key',
    place.path('key'),
    '--tls-ca',
    place.path('ca'),
  ];
  const signing = ['--issuer-cert', place.path('issuerCert'), '--issuer-key', place.path('issuerKey')];
  const words = ['--data-dir', place.path('data'), ...ENDPOINT, ...tls];
  const external = await place.serve([...words, ...signing]);
  expect(external.said.stdout).not.toContain('First start');
  await external.stop();
  // The site CA is created in the data directory.
  const own = await place.serve(words);
  expect(own.said.stdout).toContain('First start');
});

it('doctor reports that the service at the URL runs on a copy of the store', async () => {
  const place = releaseAfterTest(new Workplace());
  const listen = ['--listen', `127.0.0.1:${await freePort()}`];
  const at = (name: string) => ['--data-dir', place.path(name), ...ENDPOINT, ...listen];
  const first = await place.serve(at('first'));
  const doctor = async (name: string) => (await linkgrant(['doctor', '--data-dir', place.path(name)])).stdout;
  expect(await doctor('first')).not.toContain('service store');
  const backup = place.path('backup');
  expectSuccess(await linkgrant(['store', 'backup', backup, '--data-dir', place.path('first')]));
  await first.stop();
  expectSuccess(await linkgrant(['store', 'restore', backup, '--keep', '--data-dir', place.path('copy')]));
  await place.serve(at('copy'));
  expect(await doctor('first')).toMatch(
    /^fail +service store +a service answers .* none runs on this store$/m,
  );
  expect(await doctor('copy')).not.toContain('service store');
});
