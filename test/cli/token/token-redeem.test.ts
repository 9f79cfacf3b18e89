import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { encodeAccessToken } from '../../../src/domain/access-token.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { expectRefusal, expectSuccess, json, linkgrant } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { issuingServerForTest } from '../../support/servers/issuing-server.js';
import { until } from '../../support/until.js';
import { OpenSsl } from '../../unit/pki/openssl.js';

const openssl = releaseAfterFile(new OpenSsl());
const { place, service, run, report, issue, redeem } = await openAcceptingSite();

const inspect = (file: string, ...words: readonly string[]) =>
  linkgrant(['token', 'inspect', file, ...words]);

const grant = (name: string) => report('grant', 'show', name);

const codeIn = (file: string): string => parse(readFileSync(file, 'utf8')).spec.code;

describe('token redeem', () => {
  it('writes Secret and Link readable only by their owner, and prints their expiry and the next step', async () => {
    const token = await issue('west', '--link-cost', '3');
    const to = place.path('west-links');
    const ended = expectSuccess(await redeem(token, 'west-site', '--to', to));
    expect(ended.stderr).toBe('');
    expect(readdirSync(to).sort()).toEqual(['Link-west.yaml', 'Secret-west.yaml']);
    for (const file of readdirSync(to)) expect(statSync(join(to, file)).mode & 0o777).toBe(0o600);
    expect(ended.stdout).toContain(`Written ${to}/Secret-west.yaml\nWritten ${to}/Link-west.yaml\n`);
    expect(ended.stdout).toMatch(
      /valid until \d{4}-\d\d-\d\dT[\d:]+Z; only `linkgrant link renew` renews it/,
    );
    expect(ended.stdout).toContain(`kubectl apply -f ${to}`);

    const link = parse(readFileSync(join(to, 'Link-west.yaml'), 'utf8'));
    expect(link).toMatchObject({
      apiVersion: 'skupper.io/v2alpha1',
      kind: 'Link',
      metadata: { name: 'west', labels: { 'app.kubernetes.io/managed-by': 'linkgrant' } },
      spec: { cost: 3, tlsCredentials: 'west', endpoints: [{ host: 'router.example.com', port: '55671' }] },
    });
    const { data } = parse(readFileSync(join(to, 'Secret-west.yaml'), 'utf8'));
    const pem = (key: string) => Buffer.from(data[key], 'base64').toString();
    expect(openssl.verifies(pem('tls.crt'), pem('ca.crt'), 'sslclient').ok).toBe(true);
    expect(openssl.verifies(pem('tls.crt'), pem('ca.crt'), 'sslserver').ok).toBe(false);
    expect(pem('tls.key')).toContain('BEGIN PRIVATE KEY');
  });

  it('prints absolute paths in the command for a timer, and link status shows what renews the link', async () => {
    const token = await issue('renewing');
    const data = ['--data-dir', place.path('renewing-site')];
    const ended = await linkgrant(['token', 'redeem', token, '--to', 'renewing-links', '--renew', ...data], {
      cwd: place.directory,
    });
    const to = place.path('renewing-links');
    expect(ended.stdout).toContain(`: linkgrant link renew --all --dir ${to}\n`);
    expect(ended.stdout).toContain(`kubectl apply -f ${to}. `);
    const status = () => linkgrant(['link', 'status', '--dir', to, ...data, '-o', 'json']);
    const unrenewed = { renewable: true, renewedBy: null, warning: expect.stringContaining('no timer') };
    expect(json(await status()).outgoing).toMatchObject([unrenewed]);
    expectSuccess(await linkgrant(['link', 'renew', '--all', '--dir', to, ...data]));
    expect(json(await status()).outgoing).toMatchObject([{ renewable: true, renewedBy: 'link renew' }]);

    const lasting = await issue('lasting');
    const there = place.path('lasting-links');
    expect((await redeem(lasting, 'lasting-site', '--to', there)).code).toBe(0);
    const unattended = await linkgrant(['link', 'status', '--dir', there, ...data, '-o', 'json']);
    expect(json(unattended).outgoing).toMatchObject([{ renewable: true, renewedBy: null }]);
  });

  it('warns that --subject and --renew have no effect on a token that was already redeemed', async () => {
    const token = await issue('repeated');
    const first = ['--to', place.path('repeated-links'), '--subject', 'paris'];
    expectSuccess(await redeem(token, 'repeated-site', ...first));
    const again = expectSuccess(
      await redeem(token, 'repeated-site', ...first.slice(0, 2), '--subject', 'rome', '--renew'),
    );
    expect(again.stderr).toBe(
      'warning: the token was already redeemed, so these flags have no effect: --subject, --renew\n',
    );
    expect(again.stdout).toMatch(
      /certificate of "paris" is valid until \S+; only `linkgrant link renew` renews it/,
    );
    expect(expectSuccess(await redeem(token, 'repeated-site', ...first)).stderr).toBe('');
  });

  it('prints that the token file can be deleted, unless the token came from standard input', async () => {
    const token = await issue('piped');
    const words = ['--to', place.path('piped-links'), '--data-dir', place.path('piped-site')];
    const redeemFrom = async (source: string) =>
      expectSuccess(
        await linkgrant(['token', 'redeem', source, ...words], { input: readFileSync(token, 'utf8') }),
      ).stdout;
    expect(await redeemFrom('-')).toMatch(/kubectl apply -f \S+\.\n$/);
    expect(await redeemFrom(token)).toMatch(/\. The token file can be deleted\.\n$/);
  });

  it('accepts a name, a subject and a cost', async () => {
    const token = await issue('plain');
    const words = ['--name', 'chosen', '--subject', 'Köln site 7', '--cost', '12', '--to', '-'];
    const ended = expectSuccess(await redeem(token, 'chosen-site', ...words));
    expect(ended.stderr).toContain('The certificate of "Köln site 7" is valid until');
    const [secret, link] = parseAllDocuments(ended.stdout).map((document) => document.toJS());
    expect(secret).toMatchObject({ kind: 'Secret', metadata: { name: 'chosen' } });
    expect(link).toMatchObject({ kind: 'Link', metadata: { name: 'chosen' }, spec: { cost: 12 } });
    const { subject } = new X509Certificate(Buffer.from(secret.data['tls.crt'], 'base64'));
    expect(subject).toBe('CN=Köln site 7');
  });

  it('reports that a Skupper server generated the private key, and refuses such a server with --own-key', async () => {
    const server = await issuingServerForTest('stock');
    const file = place.path('server-key.yaml');
    writeFileSync(file, encodeAccessToken(server.token));
    const words = ['--to', place.path('server-key-links')];
    const refused = await redeem(file, 'server-key-site', ...words, '--own-key');
    const issuedBefore = server.issued();
    const accepted = await redeem(file, 'server-key-site', ...words);
    const report = json(await redeem(file, 'server-key-site', ...words, '-o', 'json'));
    expect(expectRefusal(refused, 3)).toMatchObject({
      error: expect.stringContaining('generates the private key itself'),
      hint: expect.stringContaining('--own-key'),
    });
    expect(issuedBefore).toBe(0);
    expect(accepted.stdout).toContain('The server generated the private key of this link');
    expect(report).toMatchObject({ source: 'stock', keyGeneratedBy: 'server' });
  });

  it('refuses a server in the place of linkgrant that would generate the private key', async () => {
    const server = await issuingServerForTest('stock');
    const file = place.path('impostor.yaml');
    writeFileSync(file, encodeAccessToken({ ...server.token, redemptionsAllowed: 1 }));
    const words = ['--to', place.path('impostor-links')];
    for (const ended of [await redeem(file, 'impostor-site', ...words), await inspect(file, '--check')]) {
      const refused = expectRefusal(ended, 3);
      expect(refused.error).toContain('redeemed with a key of your own; nothing was posted');
      expect(refused.hint).toContain('which server is at this URL');
    }
    expect(server.issued()).toBe(0);
  });
});

describe('token inspect', () => {
  it('prints everything but the code, without a connection', async () => {
    const file = await issue('seen', '--link-cost', '4', '--redemptions-allowed', '2');
    const text = expectSuccess(await inspect(file));
    expect(text.stdout).toMatch(/^Name: +seen$/m);
    expect(text.stdout).toContain(service.url);
    expect(text.stdout).toContain(service.fingerprint);
    const report = json(await inspect(file, '-o', 'json'));
    expect(report).toMatchObject({ name: 'seen', linkCost: 4, redemptionsAllowed: 2 });
    const yaml = await linkgrant(['token', 'inspect', '-', '-o', 'yaml'], {
      input: readFileSync(file, 'utf8'),
    });
    expect(parse(yaml.stdout)).toEqual(report);
    for (const shown of [text.stdout, JSON.stringify(report), yaml.stdout]) {
      expect(shown).not.toContain(codeIn(file));
    }
  });

  it('queries the service with --check, and spends no use', async () => {
    const file = await issue('asked');
    for (let round = 0; round < 2; round += 1) {
      const { check } = json(await inspect(file, '--check', '-o', 'json'));
      expect(check).toMatchObject({
        server: 'linkgrant',
        state: 'ready',
        redemptions: 0,
        redemptionsAllowed: 1,
      });
      expect(check.endpoints).toEqual(['inter-router router.example.com:55671']);
    }
    expect(await grant('asked')).toMatchObject({ redemptions: 0 });
  });
});

describe('token inspect --check and token redeem of a token that cannot be redeemed', () => {
  it.each([
    ['used up', 'every use of the grant is spent'],
    ['revoked', 'the grant was revoked'],
    ['expired', 'the grant has expired'],
  ])('exit with 3 and the reason for a grant that is %s', async (state, advice) => {
    const name = `ended-${state.replace(' ', '-')}`;
    const file = await issue(name, ...(state === 'expired' ? ['--expiration-window', '1s'] : []));
    if (state === 'used up') expect((await redeem(file, name, '--to', '-')).code).toBe(0);
    if (state === 'revoked') expectSuccess(await run('grant', 'revoke', name));
    if (state === 'expired') await until(async () => (await grant(name)).state === 'expired');
    const ended = await inspect(file, '--check');
    expect(ended.stdout).toMatch(new RegExp(`^State: +${state}$`, 'm'));
    expect(ended.stdout).not.toContain(codeIn(file));
    const { error, hint } = expectRefusal(ended, 3);
    expect(error).toBe(
      `the token cannot be redeemed: ${state}, ${state === 'used up' ? 1 : 0} of 1 uses spent`,
    );
    expect(hint).toContain(advice);
    const refused = await redeem(file, `${name}-again`, '--to', '-');
    expect(refused.stdout).toBe('');
    expect(refused.stderr).not.toContain(codeIn(file));
    expect(expectRefusal(refused, 3).hint).toContain(advice);
  });

  it('exit with 3 for a wrong code, which spends no use, and with 4 for an unreachable service', async () => {
    const file = await issue('checked');
    const text = readFileSync(file, 'utf8');
    for (const [changed, code, advice] of [
      [text.replace(codeIn(file), 'y'.repeat(24)), 3, 'complete and unchanged'],
      [text.replace(`:${service.port}/`, ':1/'), 4, 'service runs, and that'],
    ] as const) {
      writeFileSync(file, changed);
      for (const ended of [await inspect(file, '--check'), await redeem(file, 'checked', '--to', '-')]) {
        expect(expectRefusal(ended, code).hint).toContain(advice);
        expect(ended.stderr).not.toContain(codeIn(file));
      }
    }
    expect(await grant('checked')).toMatchObject({ redemptions: 0 });
  });
});

it('the log of the service contains no code and no key', () => {
  const tokens = readdirSync(place.directory).filter((name) => name.endsWith('.yaml'));
  expect(tokens.length).toBeGreaterThan(5);
  const written = service.said.stdout + service.said.stderr;
  expect(written).toContain('"event":"redeemed"');
  for (const token of tokens) expect(written).not.toContain(codeIn(place.path(token)));
  expect(written).not.toContain('PRIVATE');
});
