import { expect, it } from 'vitest';
import { describeCertificate } from '../../../../src/pki/certificate-info.js';
import { OwnedAuthorities, SERVER_CA } from '../../../../src/platforms/standalone/owned-authorities.js';
import { externalIdentity, ownIdentity } from '../../../../src/platforms/standalone/server-certificate.js';
import { directoryForTest } from '../../../support/release.js';
import { DAY_MS, makeIdentity, writeIdentity } from '../../../support/server-identity.js';

it('services on one data directory that detect different addresses do not replace the certificate of each other', async () => {
  const directory = directoryForTest();
  const authorities = new OwnedAuthorities(directory);
  const now = Date.now();
  await authorities.ensure(SERVER_CA, 'linkgrant server CA', now);
  const startWith = (hosts: readonly string[]) =>
    ownIdentity(directory, (at) => authorities.current(SERVER_CA, at), hosts);

  const first = startWith(['localhost', 'container-a']);
  const issuedFirst = await first.read(now);
  const second = startWith(['localhost', 'container-b']);
  const issuedSecond = await second.read(now);
  expect(describeCertificate(issuedSecond.cert).hosts).toContain('container-b');

  expect(issuedSecond.cert).not.toBe(issuedFirst.cert);
  expect(await first.read(now)).toEqual(issuedSecond);
  expect(await second.read(now)).toEqual(issuedSecond);
});

it('an expired certificate of the operator stays in use until its files change', async () => {
  const directory = directoryForTest();
  const now = Date.now();
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = writeIdentity(directory, await makeIdentity());
  const source = externalIdentity({ cert, key, ca });
  const first = await source.read(now);
  expect(await source.read(now + 2 * DAY_MS)).toEqual(first);
  writeIdentity(directory, await makeIdentity());
  await expect(source.read(now + 2 * DAY_MS)).rejects.toThrow('does not verify');
  const later = await makeIdentity({ issuedAt: now + 2 * DAY_MS });
  writeIdentity(directory, later);
  expect(await source.read(now + 2 * DAY_MS)).toMatchObject(later);
});
