import { describe, expect, it } from 'vitest';
import type { IssuedCertificate } from '../../../src/domain/issued-certificate.js';
import { type CertificateAuthority, loadAuthority } from '../../../src/pki/authority.js';
import { issueClientCertificate } from '../../../src/pki/certificates.js';
import { generateKey } from '../../../src/pki/keys.js';
import { maySignRevocationLists, signRevocationList } from '../../../src/pki/revocation-list.js';
import { releaseAfterFile } from '../../support/release.js';
import { AUTHORITY_KEYS, makeAuthority, OpenSsl } from './openssl.js';

const DAY_MS = 86_400_000;
const now = Date.now() + 2_000;
const openssl = releaseAfterFile(new OpenSsl());

// OpenSSL makes the CAs while the tests run, on a slow machine long after `now`.
const later = () => Math.max(now, Date.now());

const load = (pem: { certificate: string; key: string }): CertificateAuthority =>
  loadAuthority(pem, 'the CA', later());

function listOf(
  authority: CertificateAuthority,
  serials: readonly string[],
  changes: { readonly number?: number; readonly nextUpdate?: number } = {},
): string {
  const times = { thisUpdate: now - 60_000, nextUpdate: now + DAY_MS };
  const revoked = serials.map((serial) => ({ serial, revokedAt: now - 120_000 }));
  return signRevocationList({ number: 1, ...times, ...changes, revoked }, authority);
}

async function leafOf(authority: CertificateAuthority): Promise<IssuedCertificate> {
  return issueClientCertificate({
    authority,
    spkiDer: (await generateKey('p256')).spkiDer,
    subject: 'site',
    redemptionId: '6c5b6a0e-3f0a-4c55-9d11-0d8a5a6a7c11',
    lifetimeMs: DAY_MS,
    now: later(),
  });
}

/** `openssl verify -crl_check` of a certificate, against a CA and lists. */
function verdict(leaf: string, ca: string, lists: string): string {
  const files = [openssl.write('crl-ca.pem', ca), openssl.write('list.pem', lists)] as const;
  const words = ['-x509_strict', '-crl_check', '-CAfile', files[0], '-CRLfile', files[1]];
  const leafFile = openssl.write('crl-leaf.pem', leaf);
  const { ok, output } = openssl.try(['verify', ...words, leafFile]);
  return ok ? 'good' : (/depth lookup: (.+)/.exec(output)?.[1] ?? output);
}

describe.each(Object.entries(AUTHORITY_KEYS))('a CRL signed by a CA with a key of %s', (_type, key) => {
  const pem = makeAuthority(openssl, { key });

  it('verifies in openssl, and makes it refuse only the listed certificates', async () => {
    const authority = load(pem);
    const [revoked, good] = [await leafOf(authority), await leafOf(authority)];
    const list = listOf(authority, [revoked.serial], { number: 0x8000 });
    const file = openssl.write('a.crl', list);
    const ca = openssl.write('a.pem', pem.certificate);
    expect(openssl.try(['crl', '-in', file, '-noout', '-CAfile', ca]).output).toContain('verify OK');
    const text = openssl.run(['crl', '-in', file, '-noout', '-text']).toString();
    expect(text).toContain('Version 2');
    expect(text).toMatch(/X509v3 CRL Number: \n\s+32768\n/);
    expect(text.match(/Serial Number: /g)).toHaveLength(1);
    expect(text.toLowerCase()).toContain(`serial number: ${revoked.serial}`);
    expect(verdict(revoked.certificate, pem.certificate, list)).toBe('certificate revoked');
    expect(verdict(good.certificate, pem.certificate, list)).toBe('good');
  });
});

describe('a CRL', () => {
  const pem = makeAuthority(openssl);

  it('can be empty, and encodes serial numbers of any size as positive integers', async () => {
    const authority = load(pem);
    const leaf = await leafOf(authority);
    expect(verdict(leaf.certificate, pem.certificate, listOf(authority, []))).toBe('good');
    const serials = ['01', '7f', 'ff00', '80'.padEnd(40, '0')];
    const file = openssl.write('b.crl', listOf(authority, serials));
    const text = openssl.run(['crl', '-in', file, '-noout', '-text']).toString();
    const named = [...text.matchAll(/Serial Number: (\w+)/g)].map(([, serial]) => serial?.toLowerCase());
    expect(named).toEqual(serials);
  });

  it('is refused after its next update, also after 2050', async () => {
    const authority = load(pem);
    const leaf = await leafOf(authority);
    const ended = listOf(authority, [], { nextUpdate: now - 30_000 });
    expect(verdict(leaf.certificate, pem.certificate, ended)).toBe('CRL has expired');
    const lasting = listOf(authority, [leaf.serial], { nextUpdate: Date.UTC(2051, 0, 2) });
    expect(openssl.run(['crl', '-noout', '-nextupdate'], lasting).toString()).toContain('2051 GMT');
    expect(verdict(leaf.certificate, pem.certificate, lasting)).toBe('certificate revoked');
  });

  it('can only be signed by a CA whose keyUsage has cRLSign, as in openssl', async () => {
    const without = makeAuthority(openssl, {
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'],
    });
    const authority = load(without);
    expect(maySignRevocationLists(authority)).toBe(false);
    expect(maySignRevocationLists(load(pem))).toBe(true);
    const leaf = await leafOf(authority);
    expect(verdict(leaf.certificate, without.certificate, listOf(authority, []))).not.toBe('good');
  });
});
