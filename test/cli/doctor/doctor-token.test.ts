import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { encodeJoinLine } from '../../../src/codes/join-line.js';
import type { AccessToken } from '../../../src/domain/access-token.js';
import { describeCertificate } from '../../../src/pki/certificate-info.js';
import { crossCertificate } from '../../../src/pki/certificates.js';
import { json, linkgrant, refusalOf, Workplace } from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeAuthority, makeIdentity, type TestIdentity } from '../../support/server-identity.js';
import { serveHttps, servePlain, serveTcp, tokenFor } from '../../support/servers/hostile-server.js';
import { issuingServerForTest } from '../../support/servers/issuing-server.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';
import { MINUTE, startTestService } from '../../support/service.js';
import { doctor, serve, writeToken } from './doctor-run.js';

let place: Workplace;

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
});

/** Runs `doctor` with a token, and expects that one check fails. Returns the name of the check and the exit code. */
async function soleFailure(
  token: AccessToken,
  ...words: readonly string[]
): Promise<[string, number | null]> {
  const { failed, ended, checks } = await doctor(['--token', writeToken(place, token), ...words]);
  expect(failed, JSON.stringify(checks)).toHaveLength(1);
  expect(`${ended.stdout}${ended.stderr}`).not.toContain(token.code);
  return [failed[0]?.[0] ?? '', ended.code];
}

/** Starts an HTTPS server that answers every request with an empty response. */
async function listen(identity: TestIdentity, headers: Readonly<Record<string, string>> = {}) {
  const server = await serveHttps((_seen, _request, response) => response.writeHead(200, headers).end(), {
    identity,
  });
  return releaseAfterTest(server);
}

describe('doctor on a requesting site', () => {
  test('reports each step of a redemption as correct, and spends no use', async () => {
    const { data } = await serve(place);
    const file = place.path('token.yaml');
    await linkgrant(['token', 'issue', file, '--name', 'to-west', '--data-dir', data]);
    const to = place.path('links');
    for (let run = 0; run < 3; run += 1) {
      const { checks, ended } = await doctor(['--token', file, '--to', to]);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
        'token ok',
        'DNS ok',
        'TCP ok',
        'TLS ok',
        'CA pin ok',
        'validity ok',
        'name ok',
        'clock ok',
        'grant ok',
        'endpoints ok',
        'data directory ok',
        'links directory ok',
      ]);
    }
    const grants = json(await linkgrant(['grant', 'list', '--data-dir', data, '-o', 'json']));
    expect(grants).toMatchObject([{ redemptions: 0 }]);
  });

  test('prints one line for each check, and a hint below a failure', async () => {
    const token = tokenFor(await freePort(), (await makeIdentity()).ca);
    const ended = await linkgrant(['doctor', '--token', writeToken(place, token)]);
    expect(ended.code).toBe(4);
    expect(ended.stdout).toMatch(/^ok {4}token +"my-link"/);
    expect(ended.stdout).toMatch(/^fail {2}TCP +127\.0\.0\.1:\d+ accepts no connection[^\n]*\n {6}hint: \S/m);
    expect(refusalOf(ended).error).toContain('1 of 4 checks failed');
  });

  test('names the address of --connect-to, not the name that it replaces', async () => {
    const token = { ...tokenFor(1, (await makeIdentity()).ca), url: 'https://no-such-host.invalid:9090/x' };
    const route = ['--connect-to', `::127.0.0.1:${await freePort()}`];
    const { stdout } = await linkgrant(['doctor', '--token', writeToken(place, token), ...route]);
    expect(stdout).toMatch(
      /DNS +127\.0\.0\.1 is an address, which --connect-to uses in place of no-such-host\.invalid$/m,
    );
    expect(stdout).toMatch(/^fail {2}TCP +127\.0\.0\.1:/m);
  });

  test('reports a token that cannot be read', async () => {
    writeFileSync(place.path('token.yaml'), 'kind: Secret\n');
    const { failed, ended } = await doctor(['--token', place.path('token.yaml')]);
    expect([failed[0]?.[0], ended.code]).toEqual(['token', 3]);
  });

  test('reports a host that does not resolve, a closed port, a port without TLS, and a proxy that refuses', async () => {
    const { ca } = await makeIdentity();
    const unresolved = { ...tokenFor(1, ca), url: 'https://no-such-host.invalid:9090/x' };
    expect(await soleFailure(unresolved)).toEqual(['DNS', 4]);
    expect(await soleFailure(tokenFor(await freePort(), ca))).toEqual(['TCP', 4]);
    const plain = releaseAfterTest(await servePlain((_request, response) => response.end()));
    expect(await soleFailure(tokenFor(plain.port, ca))).toEqual(['TLS', 3]);
    const silent = releaseAfterTest(await serveTcp(() => undefined));
    expect(await soleFailure(tokenFor(silent.port, ca), '--timeout', '300ms')).toEqual(['TCP', 4]);
    const proxy = releaseAfterTest(await startProxy({ refuse: 403 }));
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    expect(await soleFailure(tokenFor(9090, ca), '--proxy', proxyUrl)).toEqual(['proxy', 4]);
  });

  test('reports another CA, a wrong name and an expired certificate', async () => {
    const authority = await makeAuthority('Service CA');
    const right = await listen(await makeIdentity({ authority }));
    const foreign = (await makeAuthority('Service CA')).bundlePem;
    expect(await soleFailure(tokenFor(right.port, foreign))).toEqual(['CA pin', 3]);
    const other = await listen(await makeIdentity({ authority, hosts: ['other.example.com'] }));
    expect(await soleFailure(other.token)).toEqual(['name', 3]);
    const expired = await listen(await makeIdentity({ authority, issuedAt: Date.now() - 10 * DAY_MS }));
    expect(await soleFailure(expired.token)).toEqual(['validity', 3]);
    expect(await soleFailure({ ...expired.token, ca: foreign })).toEqual(['CA pin', 3]);
    // A token can contain an intermediate CA without its root.
    const intermediate = await crossCertificate(await makeAuthority('Root CA'), authority, Date.now());
    expect(await soleFailure({ ...expired.token, ca: intermediate ?? '' })).toEqual(['validity', 3]);
  });

  test('reports an expired certificate for a join line, which contains only the pin of the CA', async () => {
    const { cert, key, ca } = await makeIdentity({ issuedAt: Date.now() - 10 * DAY_MS });
    const { token } = await listen({ cert: cert + ca, key, ca: '' });
    const pin = describeCertificate(ca).sha256.slice(0, 32);
    writeFileSync(place.path('line'), encodeJoinLine({ ...token, ca: { pin } }) as string);
    const { checks } = await doctor(['--token', place.path('line')]);
    expect(checks.find(({ status }) => status === 'fail')).toMatchObject({
      name: 'validity',
      hint: expect.stringContaining('renew the certificate of the service'),
    });
  });

  test('reports clocks that differ, and a certificate that is valid only by another clock', async () => {
    const service = releaseAfterTest(await startTestService());
    const { grant, code } = await service.grant({ expirationWindowMs: 60 * MINUTE });
    const url = `https://127.0.0.1:${service.port}/${grant.uid}`;
    service.clock.advance(10 * MINUTE);
    expect(await soleFailure({ name: 'to-west', url, code, ca: service.ca })).toEqual(['clock', 4]);
    const identity = await makeIdentity({ issuedAt: Date.now() + 5 * DAY_MS });
    const server = await listen(identity, { date: new Date(Date.now() + 5 * DAY_MS).toUTCString() });
    expect(await soleFailure(server.token)).toEqual(['clock', 4]);
  });

  test('names the token and its grant in the hint for a signed token that cannot be redeemed', async () => {
    const { data } = await serve(place);
    const words = ['--data-dir', data];
    const file = place.path('token.yaml');
    await linkgrant(['grant', 'create', 'fleet', '--redemptions-allowed', '2', ...words]);
    await linkgrant(['token', 'issue', file, '--grant', 'fleet', ...words]);
    await linkgrant(['token', 'redeem', file, '--to', place.path('to'), '--data-dir', place.path('mine')]);
    const { checks, ended } = await doctor(['--token', file]);
    expect(ended.code).toBe(3);
    expect(checks.find(({ name }) => name === 'grant')?.hint).toContain(
      'the token or its grant has no use left',
    );
  });

  test('fails for an exhausted, revoked or unknown grant, but only for a revoked one at the site that redeemed the token', async () => {
    const { data } = await serve(place);
    const file = place.path('token.yaml');
    const mine = ['--data-dir', place.path('mine')];
    const checkGrant = async (...site: string[]) => {
      const { checks, failed, ended } = await doctor(['--token', file, ...site]);
      return { grant: checks.find(({ name }) => name === 'grant'), failed, code: ended.code };
    };
    const failure = (detail: string) => ({ failed: [['grant', expect.stringContaining(detail)]], code: 3 });
    await linkgrant(['token', 'issue', file, '--name', 'to-west', '--data-dir', data]);
    await linkgrant(['token', 'redeem', file, '--to', place.path('to'), ...mine]);
    expect(await checkGrant()).toMatchObject(failure('used up, 1 of 1'));
    const detail = 'used up, 1 of 1 uses spent; this site redeemed the token for its link "to-west"';
    const grant = { name: 'grant', status: 'ok', detail };
    expect(await checkGrant(...mine)).toEqual({ grant, failed: [], code: 0 });
    await linkgrant(['grant', 'revoke', 'to-west', '--data-dir', data]);
    for (const site of [[], mine]) expect(await checkGrant(...site)).toMatchObject(failure('revoked'));
    await linkgrant(['grant', 'delete', 'to-west', '--data-dir', data]);
    expect(await checkGrant()).toMatchObject(failure('has no such grant'));
    expect(await checkGrant(...mine)).toMatchObject({
      grant: { status: 'ok', detail: expect.stringContaining('to-west') },
      code: 0,
    });
  });

  test('warns that a Skupper grant server does not report the state of a grant, and spends no use there', async () => {
    const stock = await issuingServerForTest('stock');
    const { checks, ended } = await doctor(['--token', writeToken(place, stock.token)]);
    expect(ended.code).toBe(0);
    expect(checks.find(({ name }) => name === 'grant')?.status).toBe('warn');
    expect(stock.issued()).toBe(0);
  });

  test('fails for a token of linkgrant at whose URL a Skupper grant server answers', async () => {
    const stock = await issuingServerForTest('stock');
    const { failed, ended } = await doctor([
      '--token',
      writeToken(place, { ...stock.token, redemptionsAllowed: 1 }),
    ]);
    expect(failed).toEqual([['grant', expect.stringContaining('linkgrant issued this token')]]);
    expect(ended.code).toBe(3);
    expect(stock.issued()).toBe(0);
  });
});
