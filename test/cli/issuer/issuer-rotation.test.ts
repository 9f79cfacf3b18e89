import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { splitCertificates } from '../../../src/pki/certificate-info.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  refusalOf,
  refusedResult,
} from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { MINUTE } from '../../support/service.js';
import { copySite } from '../../support/sites/system-site.js';
import { makeAuthority, OpenSsl } from '../../unit/pki/openssl.js';

const SITE = 'skupper-site-ca';
const SERVER = 'linkgrant-server-ca';
const openssl = releaseAfterFile(new OpenSsl());
const site = await openAcceptingSite();
const { place, data, run, report, issue } = site;

const issuer = (...words: readonly string[]) => run('issuer', ...words);
/** Runs `linkgrant issuer` one minute later, when services have read the changes. */
const later = (...words: readonly string[]) =>
  linkgrant(['issuer', ...words, ...data], { clockOffsetMs: MINUTE });
const listed = (...words: readonly string[]) => report('issuer', 'list', ...words);

const succeed = async (...words: readonly string[]) => expectSuccess(await issuer(...words)).stdout;

const refused = async (...words: readonly string[]) => refusedResult(await issuer(...words));

async function redeem(name: string): Promise<void> {
  expectSuccess(await site.redeem(await issue(name), 'requesting'));
}

/** Writes an external CA into files. Returns its certificate, the file of the certificate, and the flags for the files. */
function externalIssuer(name: string) {
  const { certificate, key } = makeAuthority(openssl, { subject: `/CN=${name} CA` });
  const [file, keyFile] = [place.path(`${name}.crt`), place.path(`${name}.key`)];
  writeFileSync(file, certificate);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { certificate, file, flags: ['--issuer-cert', file, '--issuer-key', keyFile] };
}

/** Runs a service twice on a data directory: without flags, so that it creates its own CAs, then with these flags. */
async function serveTwice(dataDir: string, flags: readonly string[]): Promise<void> {
  for (const more of [[], flags]) await place.serveOnce(['--data-dir', dataDir, ...ENDPOINT, ...more]);
}

describe('rotation of the site CA', () => {
  it('rotates the site CA step by step, and each step can be repeated', async () => {
    await redeem('early');
    expect(await listed()).toMatchObject([
      { issuer: SERVER, state: 'active', owner: 'linkgrant', links: null },
      { issuer: SITE, state: 'active', owner: 'linkgrant', links: 1, subject: 'linkgrant site CA' },
    ]);
    expect(await refused('activate', SITE)).toMatchObject({
      code: 2,
      error: `no CA of "${SITE}" is prepared`,
      hint: expect.stringContaining(`issuer prepare ${SITE}`),
    });
    expect(await succeed('retire', SITE)).toContain(
      `Nothing to retire: "${SITE}" has one CA, linkgrant site CA\n`,
    );

    const prepared = await succeed('prepare', SITE);
    expect(prepared).toMatch(/^Prepared: linkgrant site CA 2, valid until \d{4}-/);
    const flags = data.join(' ');
    for (const line of [
      `linkgrant issuer trust ${SITE} ${flags}\n`,
      `Next: linkgrant issuer activate ${SITE} ${flags}\n`,
    ]) {
      expect(prepared).toContain(line);
    }
    expect(await succeed('prepare', SITE)).toBe(prepared.replace('Prepared:', 'Already prepared:'));
    expect(splitCertificates(await succeed('trust', SITE))).toHaveLength(2);
    expect(await refused('retire', SITE)).toMatchObject({
      code: 2,
      hint: expect.stringContaining(`issuer activate ${SITE}`),
    });

    const activated = await succeed('activate', SITE);
    expect(activated).toMatch(/^Active from now on: linkgrant site CA 2, valid until \d{4}-/);
    for (const line of [
      'Still depend on linkgrant site CA: 1 link\n',
      `linkgrant issuer server-certificate --host HOST --to DIR ${flags}\n`,
      `Next: linkgrant issuer retire ${SITE} ${flags}, which fails`,
    ]) {
      expect(activated).toContain(line);
    }
    expect(await succeed('activate', SITE)).toBe(activated.replace('Active from now on:', 'Already active:'));
    await redeem('late');
    const table = await succeed('list');
    expect(table).toMatch(/^skupper-site-ca +active +linkgrant site CA 2 +\S+ +1 +linkgrant/m);
    expect(table).toMatch(/^skupper-site-ca +retiring +linkgrant site CA +\S+ +1 +linkgrant/m);

    expect(await refused('retire', SITE)).toMatchObject({
      code: 4,
      error: 'linkgrant site CA was not retired: 1 link with a certificate of it has no newer one yet',
      hint: expect.stringContaining('--force'),
    });
    const { hint } = await refused('retire', SITE);
    const [, blocking = ''] = /`linkgrant redemption ([^`]+)` lists them/.exec(hint) ?? [];
    const blockers = await linkgrant(['redemption', ...blocking.split(' '), '--no-headers']);
    expect(blockers.stdout).toMatch(/^\S+ .* connect, renew /);
    const retired = await succeed('retire', SITE, '--force');
    expect(retired).toMatch(/^Retired: linkgrant site CA; 1 link of it cannot connect/);
    expect(splitCertificates(await succeed('trust', SITE))).toHaveLength(1);
    const again = await succeed('retire', SITE);
    expect(again).toContain(`Nothing to retire: "${SITE}" has one CA, linkgrant site CA 2\n`);
    expect(again).toContain('has to trust only this CA');
    const [id = ''] = blockers.stdout.split(' ');
    for (const cut of [[], ['--cut']]) {
      const { stdout } = await run('redemption', 'revoke', id, '--dry-run', '--with-grant', ...cut);
      expect(stdout).toContain('only to a router that still trusts its retired CA');
    }
  });
});

describe('rotation of the CA of the service', () => {
  it('new tokens contain an activated service CA at once; retire needs --force while links depend on the old one', async () => {
    const casOf = async (name: string) =>
      splitCertificates(parse(readFileSync(await issue(name), 'utf8')).spec.ca);
    const [old, ...none] = await casOf('before');
    expect(none).toEqual([]);
    expect(await succeed('prepare', SERVER)).not.toContain('router');
    const [signing, prepared, ...more] = await casOf('between');
    expect([signing, more]).toEqual([old, []]);
    expect(await succeed('activate', SERVER)).toContain('old tokens and links stay valid');
    expect(await casOf('after')).toEqual([prepared, old]);
    site.service.signal('SIGHUP');
    await redeem('through-both');
    expect(await refused('retire', SERVER)).toMatchObject({
      code: 4,
      error: expect.stringMatching(
        /^linkgrant server CA was not retired: 3 links have not received a newer CA yet; grants from before the .*: .*default\/before/,
      ),
    });
    const retired = await later('retire', SERVER, '--force');
    expect(retired.stdout).toMatch(/^Retired: linkgrant server CA; 3 links cannot renew, and tokens/);
    expect(await casOf('last')).toEqual([prepared]);
  });
});

describe('issuer create', () => {
  it('creates a CA that grants, issuer trust and issuer server-certificate can name', async () => {
    expect(await succeed('create', 'partners')).toContain('--issuer partners');
    expect(await succeed('create', 'partners')).toContain('exists already');
    expectSuccess(await run('grant', 'create', 'g', '--issuer', 'partners'));
    const to = place.path('partners-router');
    await succeed('server-certificate', '--issuer', 'partners', '--host', 'router.example.com', '--to', to);
    const trust = await succeed('trust', 'partners');
    const leaf = readFileSync(join(to, 'tls.crt'), 'utf8');
    expect(openssl.verifies(leaf, trust, 'sslserver').ok).toBe(true);
    expect(await succeed('prepare', 'partners')).toContain('linkgrant partners 2');
  });

  it('refuses an unknown issuer, and an invalid name', async () => {
    for (const verb of ['prepare', 'activate', 'retire']) {
      const { code, error } = await refused(verb, 'missing');
      expect([code, error]).toEqual([2, expect.stringContaining('no issuer "missing"')]);
      expect(await refused(verb, `../issuers/${SITE}`)).toMatchObject({ code: 2 });
    }
    expect(await refused('trust', 'missing')).toMatchObject({ code: 2 });
    const { code, error } = await refused('trust', SERVER);
    expect([code, error]).toEqual([2, expect.stringContaining('this service alone')]);
    expect(await refused('create', 'No Name')).toMatchObject({ code: 2 });
  });
});

describe('issuer commands for a CA that linkgrant does not manage', () => {
  it('issuer list reports an external CA with its files, and issuer prepare refuses it', async () => {
    const { certificate, file, flags } = externalIssuer('company');
    expect(await listed(...flags)).toContainEqual(
      expect.objectContaining({ issuer: file, owner: 'external', subject: 'company CA', links: 0 }),
    );
    expect(await refused('prepare', SITE, ...flags)).toMatchObject({
      code: 2,
      error: expect.stringContaining(file),
      hint: expect.stringContaining('the service reads them again'),
    });
    expect(await succeed('trust', SITE, ...flags)).toBe(certificate);
  });

  it('issuer prepare recognizes an external CA without its flags after the service has used it', async () => {
    const own = place.path('given-issuer');
    await serveTwice(own, externalIssuer('other-company').flags);
    const ended = await linkgrant(['issuer', 'prepare', SITE, '--data-dir', own]);
    expect(expectRefusal(ended, 2).error).toBe(
      'links are signed by the external CA "other-company CA" of the service (--issuer-cert)',
    );
  });

  it('on a system platform only the CA of the service is managed; Skupper manages the site CAs', async () => {
    const west = copySite('west', place.path('skupper'));
    const own = place.path('on-podman');
    const words = ['--platform', 'podman', '--skupper-home', west.home, '--host', 'vm'];
    const service = await place.serve([...words, '--data-dir', own]);
    const on = (...verb: readonly string[]) => linkgrant(['issuer', ...verb, '--data-dir', own]);
    for (const verb of ['prepare', 'activate', 'retire', 'create', 'trust']) {
      const ended = await on(verb, SITE);
      expect(expectRefusal(ended, 2).error).toBe('on podman Skupper manages the CAs that sign links');
      expect(refusalOf(ended).hint).toContain('input/issuers');
    }
    expect(json(await on('list', '-o', 'json'))).toMatchObject([
      { issuer: SERVER, owner: 'linkgrant', namespace: null },
      { owner: 'skupper', namespace: 'west', state: 'active', links: 0 },
    ]);
    cpSync(west.path('runtime/issuers', SITE), west.path('runtime/issuers/gone'), {
      recursive: true,
    });
    const grant = ['grant', 'create', 'to-gone', '--issuer', 'gone', '-n', 'west', '--data-dir', own];
    expectSuccess(await linkgrant(grant));
    west.delete('runtime/issuers/gone');
    expect((await on('list')).stderr).toMatch(/^Issuer west\/gone cannot be used: /m);
    for (const verb of ['prepare', 'activate']) expect((await on(verb, SERVER)).code).toBe(0);
    expect(existsSync(join(own, 'issuers', SITE))).toBe(false);
    west.write('runtime/issuers/skupper-site-ca/tls.crt', 'no certificate');
    expect((await on('list')).stderr).toContain('Issuer west/skupper-site-ca cannot be used: ');
    await service.stop();
  });

  it('issuer prepare refuses the CA of an external service certificate', async () => {
    const own = place.path('given-tls');
    const ca = makeAuthority(openssl, { subject: '/CN=tls CA' });
    const { certificate, key } = makeAuthority(openssl, { subject: '/CN=other', issuer: ca });
    const flags = Object.entries({ cert: certificate, key, ca: ca.certificate }).flatMap(([name, text]) => {
      const file = place.path(`given.${name}`);
      writeFileSync(file, text, { mode: 0o600 });
      return [`--tls-${name}`, file];
    });
    await serveTwice(own, flags);
    const ended = await linkgrant(['issuer', 'prepare', SERVER, '--data-dir', own]);
    expect(expectRefusal(ended, 2).error).toBe(
      'the certificate of the service is external (--tls-cert), and linkgrant does not manage its CA',
    );
  });
});
