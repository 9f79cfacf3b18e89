import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { expectRefusal, expectSuccess, linkgrant } from '../../support/command-line.js';
import {
  identityIssuer,
  identityToken,
  type TokenChanges,
  writeJwks,
} from '../../support/identity-issuer.js';
import { startProvider } from '../../support/identity-provider.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { doctor } from './doctor-run.js';

const provider = releaseAfterFile(await startProvider());
const fleet = identityIssuer();
const { place, dataDir, run, report } = await openAcceptingSite([
  ...['--host', '127.0.0.1', '--endpoint', 'inter-router=127.0.0.1:55671'],
]);
const keys = writeJwks(place.path('jwks.json'), fleet);
const identities = JSON.stringify({
  fleet: { issuer: fleet.iss, keys },
  ci: { issuer: provider.iss, subjects: ['shop*'], keyBinding: 'required' },
});
const words = ['--data-dir', dataDir, '--listen', '127.0.0.1:0', '--ops-listen', 'off'];
const withProviders = [...words, '--identities', identities];

const resultsOf = (checks: Awaited<ReturnType<typeof doctor>>['checks']) =>
  Object.fromEntries(checks.map(({ name, status, detail }) => [name, `${status}: ${detail}`]));

describe('doctor for identity providers', () => {
  it('reports how many keys each one has, since when, and how far its clock differs', async () => {
    const { checks, failed } = await doctor(withProviders);
    expect(failed).toEqual([]);
    expect(resultsOf(checks)).toMatchObject({
      'identity provider fleet': expect.stringMatching(/^ok: 1 key in .*jwks\.json, written at \d{4}-/),
      'identity provider ci': expect.stringMatching(
        /^ok: 1 key, fetched from http:.* now; its clock is \d+ s/,
      ),
    });
  });

  it('reports a provider that cannot be reached, or whose clock is wrong, and a file that cannot be used', async () => {
    const directory = place.path('providers');
    mkdirSync(directory);
    writeFileSync(join(directory, 'cut.yaml'), 'issuer: [');
    writeFileSync(join(directory, 'gone.yaml'), 'issuer: http://127.0.0.1:1\nsubjects: ["*"]\n');
    const late = releaseAfterTest(await startProvider());
    late.respondWith((request, response) => {
      const isMetadata = request.url === '/.well-known/openid-configuration';
      const metadata = { issuer: late.iss, jwks_uri: `${late.iss}/jwks` };
      response.setHeader('date', new Date(Date.now() + 600_000).toUTCString());
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(isMetadata ? metadata : { keys: [late.issuer().jwk] }));
    });
    writeFileSync(join(directory, 'late.yaml'), `issuer: ${late.iss}\nsubjects: ["*"]\n`);
    const { checks, ended, failed } = await doctor([...withProviders, '--identities-directory', directory]);
    expect(failed).toEqual([
      ['identity provider cut', expect.stringMatching(/^it cannot be used: .*it is not YAML/)],
      ['identity provider gone', expect.stringContaining('http://127.0.0.1:1: ')],
      ['identity provider late', expect.stringMatching(/its clock is (59\d|60\d) s ahead of this machine/)],
    ]);
    expect(ended.code).toBe(2);
    expect(resultsOf(checks)['identity provider ci']).toMatch(/^ok/);
  });

  it('warns of a grant that permits identities of no configured provider', async () => {
    const { checks } = await doctor(words);
    const [warning, ...others] = checks.filter(({ name }) => name.includes('identity'));
    expect(others).toEqual([]);
    const problem = 'grant "hub" permits fleet:east*, ci:shop*, but these settings have no such provider';
    expect(warning).toMatchObject({ name: 'identity providers', status: 'warn', detail: problem });
    expectSuccess(await run('grant', 'create', 'a-typo', '--identities', 'flet:east,*:west,f?eet:x'));
    const { checks: configured } = await doctor(withProviders);
    expect(resultsOf(configured)['identity providers']).toMatch(
      /^warn: grant "a-typo" permits flet:east, but/,
    );
    expectSuccess(await run('grant', 'revoke', 'a-typo'));
    expect(resultsOf((await doctor(withProviders)).checks)).not.toHaveProperty('identity providers');
  });

  it('reports the error of a wrong setting', async () => {
    const wrong = JSON.stringify({ fleet: { issuer: fleet.iss, keys: place.path('none.json') } });
    const { failed } = await doctor([...words, '--identities', wrong]);
    expect(failed).toEqual([['identity providers', expect.stringContaining('none.json cannot be read')]]);
  });
});

describe('doctor --grant', async () => {
  expectSuccess(await run('grant', 'create', 'hub', '--identities', 'fleet:east*,ci:shop*'));
  const { origin } = new URL((await report('grant', 'show', 'hub')).url);

  /** The checks of a token of `sub`, which `changes` changes. */
  async function checkToken(
    sub: string,
    { issuer = fleet, aud = origin, changes = {} as TokenChanges } = {},
  ) {
    const file = place.path('site.jwt');
    const token = identityToken(issuer, { sub, aud, now: Date.now() }, changes);
    writeFileSync(file, token);
    const found = await doctor([...withProviders, '--grant', 'hub', '--identity-token-file', file]);
    expect(found.ended.stdout + found.ended.stderr).not.toContain(token.split('.')[2]);
    return { ...found, results: resultsOf(found.checks) };
  }

  it('reports that a token would redeem the grant, and spends no use', async () => {
    const { results, failed } = await checkToken('east-1');
    expect(failed).toEqual([]);
    expect(results).toMatchObject({
      identity: `ok: east-1 of ${fleet.iss}`,
      'identity token': 'ok: it proves fleet:east-1, which the grant permits',
      grant: expect.stringMatching(/^ok: ready, 0 of 1 uses spent/),
    });
    const bound = `${origin}#${'0123456789abcdef'.repeat(4)}`;
    const ci = await checkToken('shop', { issuer: provider.issuer(), aud: bound });
    expect(ci.failed).toEqual([]);
    expect(await report('grant', 'show', 'hub')).toMatchObject({ redemptions: 0 });
  });

  const other = 'https://other.example.com';
  it.each<[string, Parameters<typeof checkToken>, RegExp]>([
    [
      'another issuer',
      ['east-1', { changes: { claims: { iss: other } } }],
      /issuer \(iss\) that no provider/,
    ],
    ['another key', ['east-1', { issuer: identityIssuer() }], /signed by none of the keys of fleet/],
    ['an unknown kid', ['east-1', { changes: { header: { kid: 'new' } } }], /names a key \(kid\) that fleet/],
    ['another audience', ['east-1', { aud: other }], /not for this service: .* is not https:\/\/127/],
    ['an end in the past', ['east-1', { changes: { claims: { exp: 1, iat: 0 } } }], /has expired/],
    ['a type of its own', ['east-1', { changes: { header: { typ: 'at+jwt' } } }], /not of the type JWT/],
    ['another identity', ['west-1', {}], /proves the identity .*, which the grant does not permit/],
    ['no bound key', ['shop', { issuer: provider.issuer() }], /not bound to a key/],
    [
      'another subject',
      ['x', { issuer: provider.issuer(), aud: `${origin}#a` }],
      /configuration .* not permit/,
    ],
  ])('names the check that a token with %s fails', async (_what, token, reason) => {
    const { failed, ended } = await checkToken(...token);
    expect(failed).toEqual([['identity token', expect.stringMatching(reason)]]);
    expect(ended.code).toBe(3);
  });

  it('suggests how to permit the identity of a token', async () => {
    const { checks } = await checkToken('west-1');
    const { hint } = checks.find(({ name }) => name === 'identity token') ?? {};
    expect(hint).toContain(`linkgrant grant update hub --identities GLOBS -n default --data-dir ${dataDir}`);
  });

  it('reports an identity that was revoked', async () => {
    expectSuccess(await run('token', 'revoke', '--identity', 'fleet:east-2', '--grant', 'hub'));
    const { failed } = await checkToken('east-2');
    expect(failed).toEqual([['grant', expect.stringContaining('revoked')]]);
  });

  it('reports a grant that does not exist, and a service without providers', async () => {
    const token = ['--identity-token-file', place.path('site.jwt')];
    const none = await doctor([...withProviders, '--grant', 'none', ...token]);
    expect(none.failed).toEqual([['grant', expect.stringContaining('there is no grant "none"')]]);
    const unset = await doctor([...words, '--grant', 'hub', ...token]);
    expect(unset.failed).toEqual([['identity providers', 'the settings name none']]);
  });

  it.each([
    ['--grant without a token', ['--grant', 'hub'], '--identity-token-file FILE'],
    ['a token without a grant', ['--identity-token-file', 'a.jwt'], '--grant NAME'],
    ['both sides', ['--grant', 'hub', '--token', 'line'], 'omit'],
  ])('refuses %s, with the next step', async (_what, flags, hint) => {
    const refused = expectRefusal(await linkgrant(['doctor', ...words, ...flags]), 2);
    expect(refused.hint).toContain(hint);
  });
});
