import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  expectRefusal,
  expectSuccess,
  linkgrant,
  refusedResult,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { copySite } from '../../support/sites/system-site.js';
import { makeAuthority, OpenSsl } from '../../unit/pki/openssl.js';

const place = releaseAfterFile(new Workplace());
const openssl = releaseAfterFile(new OpenSsl());
const dataDir = place.path('data');

const issue = (...words: readonly string[]) =>
  linkgrant(['issuer', 'server-certificate', '--data-dir', dataDir, ...words], { obeysPermissions: true });

describe('issuer server-certificate', () => {
  it('issues a router certificate of the site CA for its names and addresses, which openssl accepts', async () => {
    const to = place.path('router');
    const hosts = ['--host', 'router.example.com', '--host', '192.0.2.9', '--host', '2001:db8::9'];
    const ended = expectSuccess(await issue(...hosts, '--to', to));
    expect(ended.stdout).toMatch(
      /tls\.crt, tls\.key and ca\.crt for router\.example\.com, .*valid until \d{4}/,
    );
    expect(ended.stdout + ended.stderr).not.toContain('PRIVATE');
    expect(readdirSync(to).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    for (const file of readdirSync(to)) expect(statSync(join(to, file)).mode & 0o777).toBe(0o600);
    const read = (name: string) => readFileSync(join(to, name), 'utf8');
    expect(read('ca.crt')).toBe(readFileSync(join(dataDir, 'issuers/skupper-site-ca/tls.crt'), 'utf8'));
    expect(openssl.verifies(read('tls.crt'), read('ca.crt'), 'sslserver').ok).toBe(true);
    expect(openssl.verifies(read('tls.crt'), read('ca.crt'), 'sslclient').ok).toBe(false);
    const certificate = openssl.write('router.pem', read('tls.crt'));
    const names = openssl.run(['x509', '-in', certificate, '-noout', '-ext', 'subjectAltName']).toString();
    // Routers compare addresses as if they were DNS names.
    for (const name of [
      'DNS:router.example.com',
      'IP Address:192.0.2.9',
      'DNS:192.0.2.9',
      'DNS:2001:db8::9',
    ]) {
      expect(names).toContain(name);
    }
    const publicKey = (words: readonly string[]) => openssl.run([...words, '-pubout']).toString();
    const ofCertificate = openssl.run(['x509', '-in', certificate, '-noout', '-pubkey']).toString();
    expect(publicKey(['pkey', '-in', openssl.write('router.key', read('tls.key'))])).toBe(ofCertificate);
  });

  it('replaces its own earlier files, and no other key or certificate', async () => {
    const to = place.path('again');
    const words = ['--host', 'router.example.com', '--to', to];
    expect((await issue(...words)).code).toBe(0);
    const first = readFileSync(join(to, 'tls.key'), 'utf8');
    expect((await issue(...words)).code).toBe(0);
    expect(readFileSync(join(to, 'tls.key'), 'utf8')).not.toBe(first);
    const other = place.path('other');
    mkdirSync(other);
    writeFileSync(join(other, 'tls.key'), 'the key of something else');
    const ended = await issue('--host', 'router.example.com', '--to', other);
    expect(expectRefusal(ended, 1).error).toContain('tls.key: it exists and was not written by linkgrant');
    expect(readdirSync(other)).toEqual(['tls.key']);
    expect(readFileSync(join(other, 'tls.key'), 'utf8')).toBe('the key of something else');
  });

  it('signs with the CA of --issuer-cert', async () => {
    const authority = makeAuthority(openssl, { subject: '/CN=company CA' });
    const [certificate, key] = [place.path('company.crt'), place.path('company.key')];
    writeFileSync(certificate, authority.certificate);
    writeFileSync(key, authority.key, { mode: 0o600 });
    const to = place.path('company');
    const ended = await issue(
      ...['--issuer-cert', certificate, '--issuer-key', key, '--host', 'router.example.com', '--to', to],
    );
    expectSuccess(ended);
    const leaf = readFileSync(join(to, 'tls.crt'), 'utf8');
    expect(openssl.verifies(leaf, authority.certificate, 'sslserver').ok).toBe(true);
  });

  it.each([
    ['from the flags', ['--platform', 'podman'], 'podman'],
    ['from the service that ran on the data directory', [], 'linux'],
  ])('refuses on a system platform, which is known %s, and creates no CA', async (_how, words, platform) => {
    const data = place.path(`data-of-${platform}`);
    if (words.length === 0) {
      const { home } = copySite('west', place.path('skupper'));
      await place.serveOnce(['--platform', platform, '--skupper-home', home, '--data-dir', data]);
    }
    const to = place.path('never-made');
    const ended = await issue(...words, '--data-dir', data, '--host', 'a', '--to', to);
    const { error, hint } = expectRefusal(ended, 2);
    expect(error).toBe(`on ${platform} Skupper issues the server certificates of routers`);
    expect(hint).toContain('spec.subjectAlternativeNames');
    expect(existsSync(to)).toBe(false);
    expect(existsSync(join(data, 'issuers/skupper-site-ca'))).toBe(false);
  });

  it('refuses missing or invalid arguments, and an unwritable --to, with the reason', async () => {
    const refused = async (...words: readonly string[]) => refusedResult(await issue(...words));
    const to = ['--to', place.path('never')];
    expect(await refused(...to)).toMatchObject({ code: 2, error: 'no --host was given' });
    expect(await refused('--host', 'a b', ...to)).toMatchObject({
      code: 2,
      error: '--host "a b" is neither a DNS name nor an IP address',
    });
    expect(await refused('--host', 'a')).toMatchObject({ code: 2, error: 'no --to was given' });
    for (const path of ['', '-']) {
      expect(await refused('--host', 'a', '--to', path)).toMatchObject({
        code: 2,
        error: `--to cannot be "${path}"`,
      });
    }
    expect(await refused('--host', 'a', '--issuer-cert', 'x', ...to)).toMatchObject({ code: 2 });
    const blocked = place.path('blocked');
    mkdirSync(blocked, { mode: 0o555 });
    const unwritable = await refused('--host', 'a', '--to', join(blocked, 'x'));
    expect(unwritable).toMatchObject({ code: 1, hint: expect.stringContaining('--to') });
    expect(readdirSync(place.directory)).not.toContain('never');
  });
});
