import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { run as runKilled } from '../../chaos/commands.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { expectRefusal, expectSuccess, json, linkgrant, startLinkgrant } from '../../support/command-line.js';
import { identityIssuer, identityToken, writeJwks } from '../../support/identity-issuer.js';
import { startOpensslRouter } from '../../support/links/openssl-router.js';
import { directoryForFile, releaseAfterFile } from '../../support/release.js';
import { readIdentity } from '../../support/server-identity.js';
import { copySite } from '../../support/sites/system-site.js';
import { until } from '../../support/until.js';

const ENDPOINT = 'inter-router=127.0.0.1:55671';
const issuer = identityIssuer();
const keys = writeJwks(`${directoryForFile()}/jwks.json`, issuer);
const providers = JSON.stringify({ fleet: { issuer: issuer.iss, keys } });
const { place, dataDir, run, report } = await openAcceptingSite([
  ...['--host', '127.0.0.1', '--endpoint', ENDPOINT, '--identities', providers],
]);
const routerFiles = place.path('router');
expectSuccess(await run('issuer', 'server-certificate', '--host', '127.0.0.1', '--to', routerFiles));
const router = releaseAfterFile(await startOpensslRouter(readIdentity(routerFiles)));

/** Creates a grant for identities. Returns its join line and the origin of the service. */
async function grantFor(name: string, identities: string, ...rules: readonly string[]) {
  const limits = ['--identities', identities, '--redemptions-allowed', '9', ...rules];
  expectSuccess(await run('grant', 'create', name, ...limits));
  const { joinLine, url } = await report('grant', 'show', name);
  return { line: joinLine as string, url: url as string, origin: new URL(url).origin };
}

/** Writes another token of an identity where the site reads it; by default a valid one. Returns the flags that name it. */
function writeIdentity(sub: string, aud: string, now = Date.now()): readonly string[] {
  const file = place.path(`${sub}.jwt`);
  writeFileSync(file, identityToken(issuer, { sub, aud, now }, { claims: { jti: crypto.randomUUID() } }));
  return ['--identity-token-file', file];
}

const join = (site: string, line: string, ...words: readonly string[]) =>
  linkgrant(['join', line, '--to', place.path(site, 'links'), '--data-dir', place.path(site), ...words]);

/** Connects to the router of the accepting site with the credentials of a link. */
async function expectConnected(...target: readonly string[]): Promise<void> {
  const route = ['--connect-to', `127.0.0.1:55671:127.0.0.1:${router.port}`];
  expectSuccess(await linkgrant(['link', 'check', ...target, ...route]));
}

function certificateIn(directory: string, name: string): X509Certificate {
  const { data } = parse(readFileSync(`${directory}/Secret-${name}.yaml`, 'utf8'));
  return new X509Certificate(Buffer.from(data['tls.crt'], 'base64'));
}

describe('a site joins by its identity', () => {
  it('is linked with a line that has no code, and its router connects; another token gets the same certificate', async () => {
    const { line, origin } = await grantFor('hub', 'fleet:east*');
    expect(expectSuccess(await linkgrant(['token', 'inspect', line])).stdout).toContain('no secret');
    const links = place.path('east', 'links');
    expectSuccess(await join('east', line, ...writeIdentity('east', origin)));
    expect(certificateIn(links, 'hub').subject).toBe('CN=fleet:east');
    await expectConnected('--dir', links);
    const { serialNumber } = certificateIn(links, 'hub');
    expect(expectSuccess(await join('east', line, ...writeIdentity('east', origin))).stdout).toContain(
      'no use was spent',
    );
    expect(certificateIn(links, 'hub').serialNumber).toBe(serialNumber);
    // Another identity, and the same one with another key.
    expectSuccess(await join('east-2', line, ...writeIdentity('east-2', origin)));
    const again = await join('elsewhere', line, ...writeIdentity('east', origin));
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining('spent')]);
    expect(await report('redemption', 'list', '--grant', 'hub')).toHaveLength(2);
  });

  it('is linked with the URL of the grant, and with a token of a command that is bound to its key', async () => {
    const { url } = await grantFor('hub-2', 'fleet:*');
    const ca = `${dataDir}/issuers/linkgrant-server-ca/tls.crt`;
    const { fingerprint256 } = new X509Certificate(readFileSync(ca));
    const signer = place.path('signer.mjs');
    const support = new URL('../../support/identity-issuer.ts', import.meta.url).pathname;
    writeFileSync(
      signer,
      `import { createPrivateKey } from 'node:crypto';
       const { identityToken } = await import(${JSON.stringify(support)});
       const secret = createPrivateKey(${JSON.stringify(issuer.secret.export({ type: 'pkcs8', format: 'pem' }))});
       const issuer = { ...${JSON.stringify({ ...issuer, secret: undefined })}, secret };
       const aud = process.env.LINKGRANT_IDENTITY_KEY_AUDIENCE;
       console.log(identityToken(issuer, { sub: 'west', aud, now: Date.now() }));`,
    );
    const words = ['--name', 'to-hub', '--identity-command', `'${process.execPath}' '${signer}'`];
    expectSuccess(await join('west', url, ...words, '--ca-sha256', fingerprint256));
    await expectConnected('--dir', place.path('west', 'links'));
    expectSuccess(await join('west', url, ...words, '--ca', ca));
    expect(await report('redemption', 'list', '--grant', 'hub-2')).toHaveLength(1);
  });

  it('is linked as a system site, and the subject is the verified identity', async () => {
    const { line, origin } = await grantFor('hub-3', 'fleet:*');
    const site = copySite('east', place.path('skupper'));
    const target = ['--platform', 'linux', '-n', 'east', '--skupper-home', place.path('skupper')];
    const data = ['--data-dir', place.path('system')];
    const identity = writeIdentity('system', origin);
    const words = ['--reload-command', 'true', ...identity];
    expectSuccess(await linkgrant(['join', line, ...target, ...data, ...words]));
    expect(certificateIn(site.path('input/resources'), 'hub-3').subject).toBe('CN=fleet:system');
    await expectConnected('hub-3', ...target);
  });

  it('waits with bootstrap until its token is valid and the grant permits it, and reads the token again', async () => {
    const { line, origin } = await grantFor('hub-4', 'fleet:other');
    const hour = 3_600_000;
    const [, file = ''] = writeIdentity('late', origin, Date.now() - hour);
    const words = ['bootstrap', '--token', line, '--to', place.path('late', 'links'), '--wait', 'configured'];
    const env = { LINKGRANT_IDENTITY_TOKEN_FILE: file };
    const waiting = startLinkgrant([...words, '--data-dir', place.path('late')], { env });
    await until(() => waiting.said.stderr.includes('By the clock of this machine, its token has expired'));
    writeIdentity('late', origin);
    expectSuccess(await run('grant', 'update', 'hub-4', '--identities', 'fleet:late'));
    expectSuccess(await waiting.ended);
    expect(await report('redemption', 'list', '--grant', 'hub-4')).toMatchObject([{ subject: 'fleet:late' }]);
  });

  it.each(['key-created', 'before-post', 'answer-received', 'answer-stored', 'outcome-written'])(
    'gets one certificate with two tokens if the first run is killed at %s',
    async (checkpoint) => {
      const name = `hub-${checkpoint}`;
      const { line, origin } = await grantFor(name, 'fleet:*');
      const words = (site: string) => [
        ...['join', line, '--to', place.path(site, 'links'), '--data-dir', place.path(site)],
        ...writeIdentity('crash', origin),
      ];
      const { signal } = await runKilled(words(checkpoint), { killedAt: checkpoint });
      expect(signal).toBe('SIGKILL');
      expectSuccess(await linkgrant(words(checkpoint)));
      const redemptions = await report('redemption', 'list', '--grant', name);
      const { serialNumber } = certificateIn(place.path(checkpoint, 'links'), name);
      expect(redemptions).toMatchObject([{ serial: serialNumber.toLowerCase() }]);
    },
  );
});

describe('a site whose certificate has expired after it joined by its identity', () => {
  it('gets the hint to issue a token that replaces its link, and joins with that token', async () => {
    const { line, origin } = await grantFor('ended', 'fleet:*', '--certificate-lifetime', '1h');
    const site = ['--to', place.path('ended', 'links'), '--data-dir', place.path('ended')];
    const later = { clockOffsetMs: 2 * 3_600_000 };
    const identity = writeIdentity('ended', origin);
    expectSuccess(await linkgrant(['join', line, ...site, ...identity]));
    const ended = expectRefusal(await linkgrant(['join', line, ...site, ...identity], later), 3);
    expect(ended.error).toContain('the certificate of its link has expired');
    expect(ended.hint).toContain('token issue --replaces');
    const issued = await run('token', 'issue', '--replaces', 'fleet:ended', '--print', 'line');
    const replacing = expectSuccess(issued).stdout.trim();
    expectSuccess(await linkgrant(['join', replacing, ...site], later));
    expect(await report('redemption', 'list', '--subject', 'fleet:ended')).toHaveLength(2);
    await expectConnected('--dir', place.path('ended', 'links'));
  });
});

describe('doctor --token for an identity', () => {
  const check = (line: string, identity: readonly string[]) =>
    linkgrant(['doctor', '--token', line, ...identity, '--data-dir', place.path('doctor'), '-o', 'json']);
  const statuses = (stdout: string) =>
    Object.fromEntries(JSON.parse(stdout).map(({ name, status }: Record<string, string>) => [name, status]));

  it('reports audience, lifetime and grant, and never the token', async () => {
    const { line, origin } = await grantFor('checked', 'fleet:*');
    const identity = writeIdentity('checked', origin);
    const ended = expectSuccess(await check(line, identity));
    expect(statuses(ended.stdout)).toMatchObject({
      ...{ identity: 'ok', 'identity audience': 'ok', 'identity lifetime': 'ok', grant: 'ok' },
    });
    expect(json(ended)[1].detail).toBe(`checked of ${issuer.iss}`);
    const token = readFileSync(identity[1] ?? '', 'utf8');
    expect(ended.stdout + ended.stderr).not.toContain(token.split('.')[2]);
    expect(await report('grant', 'show', 'checked')).toMatchObject({ redemptions: 0 });
  });

  it('reports a wrong audience and an expired token, and then queries no service', async () => {
    const { line, origin } = await grantFor('checked-2', 'fleet:*');
    const wrong = await check(line, writeIdentity('wrong', `${origin}0`));
    expect([wrong.code, statuses(wrong.stdout)]).toMatchObject([2, { 'identity audience': 'fail' }]);
    expect(statuses(wrong.stdout)).not.toHaveProperty('TCP');
    const expired = await check(line, writeIdentity('expired', origin, Date.now() - 3_600_000));
    expect([expired.code, statuses(expired.stdout)]).toMatchObject([4, { 'identity lifetime': 'fail' }]);
  });

  it('needs an identity, and token inspect --check says so', async () => {
    const { line } = await grantFor('checked-3', 'fleet:*');
    expect(await check(line, [])).toMatchObject({ code: 2, stdout: expect.stringContaining('no code') });
    const inspected = await linkgrant(['token', 'inspect', line, '--check']);
    expect(expectRefusal(inspected, 2).hint).toContain('--identity-token-file');
  });
});
