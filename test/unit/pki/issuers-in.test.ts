import { describe, expect, it } from 'vitest';
import { splitCertificates } from '../../../src/pki/certificate-info.js';
import { crossCertificate } from '../../../src/pki/certificates.js';
import { issuersIn } from '../../../src/pki/issuers-in.js';
import { makeAuthority, makeIdentity } from '../../support/server-identity.js';

describe('the issuers of a chain', () => {
  it('are the CAs that signed a certificate of it, and no other of the same name', async () => {
    const [own, other] = await Promise.all([makeIdentity(), makeIdentity()]);
    expect(issuersIn(own.cert, other.ca + own.ca)).toEqual(splitCertificates(own.ca));
  });

  it('are not those that the chain contains', async () => {
    const { cert, ca } = await makeIdentity();
    expect(issuersIn(cert + ca, ca)).toEqual([]);
  });

  it('are the new and the old CA during a rotation, because the chain has a cross certificate', async () => {
    const [before, after] = await Promise.all([makeAuthority('Old CA'), makeAuthority('New CA')]);
    const { cert } = await makeIdentity({ authority: after });
    const cross = (await crossCertificate(before, after, Date.now())) ?? '';
    const issuers = issuersIn(cert + cross, after.bundlePem + before.bundlePem);
    expect(issuers).toEqual(splitCertificates(after.bundlePem + before.bundlePem));
  });
});
