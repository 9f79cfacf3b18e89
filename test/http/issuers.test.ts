import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openIssuer } from '../../src/compose/site-issuer.js';
import { CertificateAuthorityError } from '../../src/pki/authority.js';
import { parseCertificates } from '../../src/pki/pem.js';
import { ISSUER_CHECK_INTERVAL_MS } from '../../src/platforms/standalone/site.js';
import { readService } from '../../src/redemption/accepting/service-description.js';
import { expectClientCertificate, redeemNewGrant } from '../support/links/openssl-verdict.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { directoryForTest, releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { DAY, MINUTE, startTestService } from '../support/service.js';
import { post, refusal } from '../support/wire.js';
import { AUTHORITY_KEYS, makeAuthority, OpenSsl } from '../unit/pki/openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

function issuerFlags(certificate: string, key: string) {
  return {
    issuerCert: openssl.write('issuer-cert.pem', certificate),
    issuerKey: openssl.write('issuer-key.pem', key),
  };
}

it('a certificate of an intermediate CA as issuer includes that CA in its chain', async () => {
  const root = makeAuthority(openssl, { key: AUTHORITY_KEYS['RSA-3072'], subject: '/CN=root' });
  const issuer = makeAuthority(openssl, { subject: '/CN=intermediate', issuer: root });
  const flags = issuerFlags(issuer.certificate + root.certificate, issuer.key);
  const answer = await redeemNewGrant(releaseAfterTest(await startTestService(flags)));
  expectClientCertificate(openssl, answer);
  const [, ...chain] = parseCertificates(answer.certificate);
  expect(chain.map(({ subject }) => subject)).toEqual(['CN=intermediate']);
  const toRoot = openssl.verifies(answer.certificate, root.certificate, 'sslclient');
  expect(toRoot.ok, toRoot.output).toBe(true);
});

describe('a CA that expires soon', () => {
  it('limits the lifetime of its certificates, and no use is spent after it expired', async () => {
    const { certificate, key } = makeAuthority(openssl, { days: 10 });
    const service = releaseAfterTest(await startTestService(issuerFlags(certificate, key)));
    const end = Date.parse(parseCertificates(certificate)[0]?.validTo ?? '');
    const bounded = await redeemNewGrant(service);
    expect(Date.parse(bounded.x509.validTo)).toBe(end);
    expectClientCertificate(openssl, bounded);
    const { grant, code } = await service.grant({ expirationWindowMs: 20 * DAY });
    service.clock.advance(11 * DAY);
    const answer = await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    expect(refusal(answer)).toEqual([503, 'issuer_unavailable']);
    expect(await service.used(grant.uid)).toBe(0);
  });
});

describe('a CA in its last second', () => {
  it('issues no certificate, so a redemption is refused as after its end, and no use is spent', async () => {
    const { certificate, key } = makeAuthority(openssl, { days: 10 });
    const service = releaseAfterTest(await startTestService(issuerFlags(certificate, key)));
    const { grant, code } = await service.grant({ expirationWindowMs: 20 * DAY });
    const end = Date.parse(parseCertificates(certificate)[0]?.validTo ?? '');
    service.clock.advance(end - 500 - service.clock.read());
    const answer = await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    expect(refusal(answer)).toEqual([503, 'issuer_unavailable']);
    expect(await service.used(grant.uid)).toBe(0);
  });
});

describe('an external CA at the start', () => {
  it('is refused with the file and the reason if a part of the path of its key is not a directory', async () => {
    const { certificate, key } = makeAuthority(openssl);
    const flags = issuerFlags(certificate, key);
    const issuerKey = join(flags.issuerKey, 'tls.key');
    await expect(
      openIssuer({ ...flags, issuerKey, dataDir: directoryForTest() }, Date.now()),
    ).rejects.toThrow(
      new CertificateAuthorityError(
        `${issuerKey} cannot be read: the path, or a part of it, is not a directory`,
      ),
    );
  });
});

describe('an --issuer-cert file that is replaced', () => {
  it('takes effect without a restart, with the other CAs in the file', async () => {
    const first = makeAuthority(openssl, { subject: '/CN=first' });
    const second = makeAuthority(openssl, { subject: '/CN=second' });
    const flags = issuerFlags(first.certificate, first.key);
    const service = releaseAfterTest(await startTestService(flags));
    // The service's clock stands still at a time before these CAs are valid.
    service.clock.advance(MINUTE);
    expect((await redeemNewGrant(service)).ca).toBe(first.certificate);

    const both = second.certificate + first.certificate;
    replaceFile(flags.issuerCert, both);
    service.clock.advance(ISSUER_CHECK_INTERVAL_MS);
    const redemption = await redeemNewGrant(service);
    expect(redemption.ca).toBe(first.certificate);
    await service.running.reloadIdentity();
    await service.running.reloadIdentity();
    expect(service.logged('issuer_kept')).toMatchObject([
      { reason: expect.stringContaining(flags.issuerCert) },
    ]);

    replaceFile(flags.issuerKey, second.key);
    service.clock.advance(ISSUER_CHECK_INTERVAL_MS);
    const followed = await redeemNewGrant(service);
    expect(followed.ca).toBe(both);
    expect(openssl.verifies(followed.certificate, second.certificate, 'sslclient').ok).toBe(true);
    expect(openssl.verifies(followed.certificate, first.certificate, 'sslclient').ok).toBe(false);
    await service.running.reloadIdentity();
    expect(service.logged('issuer_reloaded')).toMatchObject([{ subject: 'second' }]);
    expect((await readService(service.store))?.issuer).toBe('second');
    expect(service.running.certificateTimes().issuer?.notAfter).toBe(
      Date.parse(parseCertificates(second.certificate)[0]?.validTo ?? ''),
    );
  });

  it('the CA last read from --issuer-cert stays in use while the file, or its directory, cannot be read', async () => {
    const { certificate, key } = makeAuthority(openssl);
    const directory = directoryForTest();
    const issuerCert = join(directory, 'issuer', 'ca.pem');
    mkdirSync(dirname(issuerCert));
    writeFileSync(issuerCert, certificate);
    const flags = { ...issuerFlags(certificate, key), issuerCert };
    const service = releaseAfterTest(await startTestService(flags));
    service.clock.advance(MINUTE);
    rmSync(issuerCert);
    expect((await redeemNewGrant(service)).ca).toBe(certificate);
    // The error of the file is then ENOTDIR.
    rmSync(dirname(issuerCert), { recursive: true });
    writeFileSync(dirname(issuerCert), '');
    await service.running.reloadIdentity();
    service.clock.advance(ISSUER_CHECK_INTERVAL_MS);
    expect((await redeemNewGrant(service)).ca).toBe(certificate);
    expect(service.logged('issuer_kept')).not.toEqual([]);
  });
});

describe('the issuer of a grant', () => {
  it("signs instead of the site CA, and the service's own CA signs no link", async () => {
    const service = releaseAfterTest(await startTestService());
    const other = makeAuthorityDirectory(service.directory, 'partner-ca');
    // The service's clock stands still at a time before this CA is valid.
    service.clock.advance(MINUTE);
    const { grant, code } = await service.grant({ issuer: 'partner-ca' });
    const answer = redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers: csrHeader() }));
    expect(answer.ca).toBe(other);
    expectClientCertificate(openssl, answer);
    const borrowed = await service.grant({ issuer: 'linkgrant-server-ca' });
    const refused = await post(service, `/${borrowed.grant.uid}`, borrowed.code, {
      headers: csrHeader(),
    });
    expect(refusal(refused)).toEqual([503, 'issuer_unavailable']);
  });
});

/** Replaces a file atomically: writes a new file, then renames it. */
function replaceFile(file: string, content: string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** Writes a CA to the service's directory of issuers; returns its certificate. */
function makeAuthorityDirectory(dataDirectory: string, name: string): string {
  const { certificate, key } = makeAuthority(openssl, { subject: `/CN=${name}` });
  const directory = join(dataDirectory, 'issuers', name);
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, 'tls.crt'), certificate);
  writeFileSync(join(directory, 'tls.key'), key, { mode: 0o600 });
  return certificate;
}
