import { expect, it } from 'vitest';
import { describeCertificate } from '../../../../src/pki/certificate-info.js';
import { OwnedAuthorities, SERVER_CA } from '../../../../src/platforms/standalone/owned-authorities.js';
import { ownIdentity } from '../../../../src/platforms/standalone/server-certificate.js';
import { directoryForTest } from '../../../support/release.js';

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

  expect(first.version(now)).not.toBe(issuedFirst.version);
  expect(await first.read(now)).toEqual(issuedSecond);
  expect(second.version(now)).toBe(issuedSecond.version);
});
