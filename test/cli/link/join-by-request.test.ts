import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { type Ended, expectSuccess, json, linkgrant, refusalOf } from '../../support/command-line.js';
import { startOpensslRouter } from '../../support/links/openssl-router.js';
import { releaseAfterFile } from '../../support/release.js';
import { readIdentity } from '../../support/server-identity.js';

const ENDPOINT = 'inter-router=127.0.0.1:55671';
const { place, run, report } = await openAcceptingSite(['--host', '127.0.0.1', '--endpoint', ENDPOINT]);
const routerFiles = place.path('router');
expectSuccess(await run('issuer', 'server-certificate', '--host', '127.0.0.1', '--to', routerFiles));
const router = releaseAfterFile(await startOpensslRouter(readIdentity(routerFiles)));

const onSite = (site: string, words: readonly string[]): Promise<Ended> =>
  linkgrant([...words, '--data-dir', place.path(site)]);
const join = (site: string, line: string, ...words: readonly string[]) =>
  onSite(site, ['join', line, '--to', place.path(site, 'links'), ...words]);

/** Connects to the router of the accepting site with the credentials of a link. */
async function expectConnected(site: string): Promise<void> {
  const route = ['--connect-to', `127.0.0.1:55671:127.0.0.1:${router.port}`];
  expectSuccess(await linkgrant(['link', 'check', '--dir', place.path(site, 'links'), ...route]));
}

let issuedFor = { key: '', ca: '' };

/** Issues a token for a request, with the name of the site that made it. Returns its join line. */
async function issueFor(site: string, request: string): Promise<string> {
  const { stdout, stderr } = expectSuccess(await run('token', 'issue', '--request', request, '--name', site));
  const fingerprint = (label: string) =>
    new RegExp(`^${label} SHA-256 +(\\S+)$`, 'm').exec(stderr)?.[1] ?? '';
  issuedFor = { key: fingerprint('Key'), ca: fingerprint('CA') };
  return stdout.trim();
}

const secretOf = (site: string) =>
  parse(readFileSync(place.path(site, 'links', `Secret-${site}.yaml`), 'utf8')).data as Record<
    string,
    string
  >;

/** Expects the fingerprints that `token issue` printed last, that of the CA as far as a join line contains it. */
function expectFingerprints(text: string): void {
  expect(text).toContain(`\nKey SHA-256 ${issuedFor.key}\n`);
  expect(text).toContain(`\nCA SHA-256  ${issuedFor.ca.slice(0, 47)}`);
  expect(text).toContain('Compare both with the other site.');
}

describe('a site joins by a request', () => {
  it('is linked with a line that only it can redeem, and its router connects', async () => {
    const { stdout: request } = expectSuccess(
      await onSite('east', ['link', 'request', '--subject', 'east', '--line']),
    );
    const line = await issueFor('east', request.trim());
    const stranger = await join('stranger', line);
    expect([stranger.code, refusalOf(stranger).error]).toEqual([
      3,
      `The token is bound to a key, and no request in ${place.path('stranger', 'requests')} has this key.`,
    ]);
    expect(refusalOf(stranger).hint).toContain(`link request --list --data-dir ${place.path('stranger')}`);
    expect(
      (await onSite('east', ['join', line, '--to', place.path('east', 'links'), '--dry-run'])).code,
    ).toBe(0);
    const joined = expectSuccess(await join('east', line));
    await expectConnected('east');
    expectFingerprints(joined.stdout);
    const redemptions = () => report('redemption', 'list', '--grant', 'east');
    expect(await redemptions()).toMatchObject([{ subject: 'east', mode: 'csr' }]);
    expect(expectSuccess(await join('east', line)).stdout).toContain('no use was spent');
    expect(await redemptions()).toHaveLength(1);
    expect((await join('stranger', line)).code).toBe(3);
  });

  it('is linked with the key that openssl made its request for', async () => {
    const [key, request] = [place.path('own.key'), place.path('own.pem')];
    const words = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=north'];
    execFileSync('openssl', [...words, '-keyout', key, '-out', request], { stdio: 'ignore' });
    const line = await issueFor('north', request);
    const withoutKey = await join('north', line);
    expect([withoutKey.code, refusalOf(withoutKey).hint]).toEqual([3, expect.stringContaining('--key')]);
    const wrong = await join('north', line, '--key', request);
    expect([wrong.code, refusalOf(wrong).error]).toEqual([2, expect.stringContaining('cannot be read')]);
    expectSuccess(await join('north', line, '--key', key, '--dry-run'));
    const checked = await onSite('north', ['doctor', '--token', line, '--key', key]);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('ready, 0 of 1 uses spent')]);
    const report = json(await join('north', line, '--key', key, '-o', 'json'));
    expect(report).toMatchObject({
      keySha256: issuedFor.key.replaceAll(':', '').toLowerCase(),
      ca: { sha256Prefix: issuedFor.ca.replaceAll(':', '').toLowerCase().slice(0, 32) },
    });
    await expectConnected('north');
    const certificate = new X509Certificate(Buffer.from(secretOf('north')['tls.crt'] ?? '', 'base64'));
    expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(key)))).toBe(true);
  });

  it('gets an error that names the pasted text if it is a request in place of a join line, or the reverse', async () => {
    const { stdout: request } = await onSite('south', ['link', 'request', '--subject', 'south', '--line']);
    const joined = await join('south', request.trim());
    expect([joined.code, refusalOf(joined).error]).toEqual([2, 'that is a request for a link, not a token']);
    const file = place.path('south.csr');
    expectSuccess(await onSite('south', ['link', 'request', file, '--subject', 'south']));
    for (const words of [
      ['token', 'redeem', file, '--to', place.path('south', 'links')],
      ['token', 'redeem', request.trim()],
      ['doctor', '--token', file],
    ]) {
      const refused = await onSite('south', words);
      expect(refused.code, words.join(' ')).toBe(2);
      expect(refused.stdout + refused.stderr).toContain('token issue --request');
    }
    const line = await issueFor('south', request.trim());
    const issued = await run('token', 'issue', '--request', line);
    expect([issued.code, refusalOf(issued).error]).toEqual([2, expect.stringContaining('it is a join line')]);
  });

  it('refuses --key for a token that any key may redeem, and spends no use', async () => {
    const { stdout } = expectSuccess(await run('token', 'issue', '--name', 'plain'));
    const words = ['--key', place.path('west.key')];
    const refused = await join('west', stdout.trim(), ...words);
    expect([refused.code, refusalOf(refused).error]).toEqual([
      2,
      '--key is for a token that is bound to a key',
    ]);
    const dryRun = await join('west', stdout.trim(), ...words, '--dry-run');
    expect([dryRun.code, dryRun.stderr]).toEqual([2, expect.stringContaining('--key is for a token')]);
    expect(await report('grant', 'show', 'plain')).toMatchObject({ redemptions: 0 });
  });
});
