import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import type { GrantPolicy } from '../../src/domain/policy.js';
import { ISSUER, signBearer } from '../support/admin-api.js';
import { identityIssuer, identityToken, type TokenChanges, writeJwks } from '../support/identity-issuer.js';
import { csrHeader, keySha256, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { outcomeOf, post } from '../support/wire.js';

const REFUSED = [403, 'Redemption of access token refused\n', undefined];
const SUB = 'system:serviceaccount:edge:linkgrant';

const directory = directoryForFile();
const east = identityIssuer();
// The default issuer is the same in every cluster.
const west = identityIssuer('RS256', { kid: 'key-2' });
const github = identityIssuer('RS256', { iss: 'https://token.example.com', kid: 'key-1' });
const jwks = (name: string, ...issuers: Parameters<typeof writeJwks>[1][]) =>
  writeJwks(join(directory, `${name}.json`), ...issuers);

const service = releaseAfterFile(
  await startTestService({
    allowRedeemByKey: true,
    identities: {
      east: { issuer: east.iss, keys: jwks('east', east) },
      west: { issuer: west.iss, keys: jwks('west', west) },
      github: {
        issuer: github.iss,
        keys: jwks('github', github),
        subjects: ['repo:example/*'],
        keyBinding: 'required',
      },
    },
  }),
);
const origin = new URL(service.running.description.url).origin;

const tokenOf = (issuer = east, changes: TokenChanges = {}, { sub = SUB, aud = origin as unknown } = {}) =>
  identityToken(issuer, { sub, aud, now: service.clock.read() }, changes);

const grantFor = async (policy: GrantPolicy, changes: Partial<AccessGrant> = {}) =>
  (await service.storedGrant({ redemptionsAllowed: 10, policy, ...changes })).grant;

const redeem = (uid: string, token: string, headers: Readonly<Record<string, string>> = csrHeader()) =>
  post(service, `/${uid}`, token, { headers });

const entriesOf = async (grantUid: string) =>
  (await service.store.listLedger({ limit: 50, grantUid })).items.filter(
    ({ kind, seq }) => kind !== 'created' && seq !== undefined,
  );

describe('a redemption with the token of an identity', () => {
  it('returns a certificate for the key of the request, counts one use, and records who redeemed', async () => {
    const { uid } = await grantFor({ identities: ['east:system:serviceaccount:edge:*'] });
    const key = newKey();
    const redeemed = redeemedAnswer(await redeem(uid, tokenOf(), csrHeader(key)));
    expect(redeemed.x509.subject).toBe(`CN=east:${SUB}`);
    expect(redeemed.x509.checkPrivateKey(key)).toBe(true);
    expect(redeemed.keyPem).toBeUndefined();
    expect(await service.used(uid)).toBe(1);
    const [code] = (await service.store.listCodes({ limit: 10, grantUid: uid })).items;
    expect(code).toMatchObject({
      jti: expect.stringMatching(/^id-[0-9a-f]{32}$/),
      used: 1,
      subject: `east:${SUB}`,
      expirationTime: Date.UTC(9999, 11, 31),
    });
    expect(await service.store.verifyLedger(uid)).not.toHaveProperty('fault');
    expect(service.logged('redeemed')).toContainEqual(
      expect.objectContaining({ grant: uid, identityProvider: 'east' }),
    );
  });

  it('is repeated with another token of the identity for the same key, without another use', async () => {
    const { uid } = await grantFor({ identities: [`east:${SUB}`] });
    const headers = csrHeader(newKey());
    const first = redeemedAnswer(await redeem(uid, tokenOf(), headers));
    const again = redeemedAnswer(await redeem(uid, tokenOf(east, { claims: { jti: 'b' } }), headers));
    expect(again.certificate).toBe(first.certificate);
    expect(await service.used(uid)).toBe(1);
  });

  it('is refused for another key once the identity has used the grant, and other identities still redeem', async () => {
    const { uid } = await grantFor({ identities: ['east:*'] });
    redeemedAnswer(await redeem(uid, tokenOf()));
    expect(outcomeOf(await redeem(uid, tokenOf()))).toEqual([
      404,
      'No such access granted\n',
      'code_exhausted',
    ]);
    redeemedAnswer(await redeem(uid, tokenOf(east, {}, { sub: 'another' })));
    expect(await service.used(uid)).toBe(2);
  });

  it('counts as often as the rule of the grant permits now', async () => {
    const { uid } = await grantFor({ identities: ['east:*'], identityUses: 2 });
    const limit = (identityUses: number | null) =>
      service.store.updateGrant(uid, { policy: { identityUses } });
    const outcome = async () => (await redeem(uid, tokenOf())).status;
    expect([await outcome(), await outcome(), await outcome()]).toEqual([200, 200, 404]);
    await limit(3);
    expect([await outcome(), await outcome()]).toEqual([200, 404]);
    await limit(1);
    expect(await outcome()).toBe(404);
    await limit(null);
    expect(await outcome()).toBe(404);
    await limit(4);
    expect([await outcome(), await outcome()]).toEqual([200, 404]);
    expect(await service.used(uid)).toBe(4);
    expect(await service.store.verifyLedger(uid)).not.toHaveProperty('fault');
  });

  it('counts two identities with the same sub of two providers with one issuer apart', async () => {
    const { uid } = await grantFor({ identities: [`east:${SUB}`, `west:${SUB}`] });
    const subjects = [];
    for (const issuer of [east, west])
      subjects.push(redeemedAnswer(await redeem(uid, tokenOf(issuer))).x509.subject);
    expect(subjects).toEqual([`CN=east:${SUB}`, `CN=west:${SUB}`]);
  });

  it('is refused after the identity was revoked, also before its first use', async () => {
    const { uid } = await grantFor({ identities: ['east:*'] });
    redeemedAnswer(await redeem(uid, tokenOf()));
    const [code] = (await service.store.listCodes({ limit: 10, grantUid: uid })).items;
    if (!code) throw new Error('no code was recorded');
    const other = await grantFor({ identities: ['east:*'] });
    for (const grantUid of [uid, other.uid]) {
      await service.store.revokeCode({ ...code, grantUid }, service.clock.read());
      expect(outcomeOf(await redeem(grantUid, tokenOf()))).toEqual([404, 'No such claim\n', 'code_revoked']);
    }
  });

  it.each<[string, string, string]>([
    ['its name', 'short', 'east:short'],
    ['a hash of its name if that is longer than 64 characters', 'a'.repeat(60), 'east:'],
  ])('has %s as the subject of its certificate', async (_what, sub, beginning) => {
    const { uid } = await grantFor({ identities: ['east:*'] });
    const { x509 } = redeemedAnswer(await redeem(uid, tokenOf(east, {}, { sub })));
    expect(x509.subject).toMatch(new RegExp(`^CN=${beginning}[0-9a-f]*$`));
    expect(x509.subject.length).toBeLessThanOrEqual('CN='.length + 64);
  });

  it('is checked by the other rules of the grant, and by no identity rule at a renewal or in a response', async () => {
    const { uid } = await grantFor({ identities: ['east:*'], identityRequired: true, subjects: ['a-*'] });
    const headers = csrHeader();
    expect(outcomeOf(await redeem(uid, tokenOf(), headers))).toEqual([
      ...REFUSED.slice(0, 2),
      'policy_subject',
    ]);
    const { redemptionId } = redeemedAnswer(await redeem(uid, tokenOf(), { ...headers, subject: 'a-1' }));
    expect((await service.store.findRedemption(redemptionId))?.policy).toEqual({ subjects: ['a-*'] });
    const checked = await post(service, `/${uid}/-/check`, tokenOf(), { headers });
    expect(JSON.parse(checked.body)).toMatchObject({
      state: 'exhausted',
      redemptions: 1,
      redemptionsAllowed: 1,
      policy: { 'linkgrant/subjects': 'a-*' },
    });
    expect(checked.body).not.toContain('identit');
  });

  it.each<[string, readonly string[]]>([
    ['permits no identity', []],
    ['permits the same sub of another provider', [`west:${SUB}`]],
    [
      'permits another sub',
      ['east:system:serviceaccount:edge:linkgran', 'east:system:serviceaccount:edge:linkgrant-2'],
    ],
  ])('is refused by a grant that %s', async (_what, identities) => {
    const { uid } = await grantFor({ identities });
    expect(outcomeOf(await redeem(uid, tokenOf()))).toEqual(REFUSED);
    expect(await entriesOf(uid)).toEqual([]);
  });

  it('is matched by the provider and by the sub of a glob, each on its own', async () => {
    const { uid } = await grantFor({ identities: ['ea*:admin', 'e?st?x:admin'] });
    for (const sub of ['x:admin', 'st:admin'])
      expect(outcomeOf(await redeem(uid, tokenOf(east, {}, { sub })))).toEqual(REFUSED);
    redeemedAnswer(await redeem(uid, tokenOf(east, {}, { sub: 'admin' })));
  });

  it('compares a sub with comma, colon and glob characters as text', async () => {
    const sub = 'a,b:*?[c]';
    const { uid } = await grantFor({ identities: ['east:a?b:*'] });
    redeemedAnswer(await redeem(uid, tokenOf(east, {}, { sub })));
    const literal = await grantFor({ identities: ['east:a?b:x'] });
    expect(outcomeOf(await redeem(literal.uid, tokenOf(east, {}, { sub })))).toEqual(REFUSED);
  });

  it('is refused for every wrong token in the same way, and only the log names the check, without the token', async () => {
    const { uid } = await grantFor({ identities: ['*:*'] }, { isUserSuppliedCode: true });
    const thief = identityIssuer();
    const tokens: [string, string][] = [
      [tokenOf(thief), 'signed by none of the keys'],
      [tokenOf(east, { header: { kid: 'other' } }), 'names a key'],
      [tokenOf(east, { claims: { iss: 'https://other.example.com' } }), 'issuer'],
      [tokenOf(east, {}, { aud: 'https://other.example.com' }), 'audience'],
      [tokenOf(east, { claims: { exp: 1, iat: 0 } }), 'expired'],
      [tokenOf(github, {}, { sub: 'repo:example/a' }), 'not bound to a key'],
      [tokenOf(github, {}, { sub: 'repo:other/a', aud: `${origin}#${keySha256(newKey())}` }), 'another key'],
    ];
    for (const [token, reason] of tokens) {
      const answer = await redeem(uid, token);
      expect([...outcomeOf(answer), answer.headers['linkgrant-reason']]).toEqual([...REFUSED, undefined]);
      const { body: checked } = await post(service, `/${uid}/-/check`, token, { headers: csrHeader() });
      expect(checked).toBe(answer.body);
      const line = service.logged('refused').at(-1);
      expect(line).toMatchObject({ code: 'code_wrong', grant: uid, reason: expect.stringContaining(reason) });
      expect(JSON.stringify(line)).not.toMatch(/serviceaccount|other\.example|repo:|eyJ/);
    }
    expect(service.logged('weak_code_bruteforce')).toEqual([]);
    expect(await entriesOf(uid)).toEqual([]);
  });

  it('is refused without a certificate request, in a redemption and in a check', async () => {
    const { uid } = await grantFor({ identities: ['east:*'] });
    for (const path of [`/${uid}`, `/${uid}/-/check`]) {
      expect(outcomeOf(await post(service, path, tokenOf(), { headers: { name: 'a' } }))).toEqual(REFUSED);
    }
    expect(service.logged('refused').at(-1)).toMatchObject({ identityProvider: 'east' });
  });

  it.each([
    ['cut off', (csr: string) => csr.slice(0, 80)],
    ['no base64', () => '!!!!'],
    ['signed by another key', (csr: string) => csr.replace(/.{8}$/, 'AAAAAA==')],
  ])(
    'is refused with a certificate request that is %s, in a redemption and in a check',
    async (_what, change) => {
      const { uid } = await grantFor({ identities: ['east:*'] });
      const headers = csrHeader();
      const changed = Object.fromEntries(Object.entries(headers).map(([name, csr]) => [name, change(csr)]));
      const redeemed = await redeem(uid, tokenOf(), changed);
      expect(redeemed.status).toBe(400);
      const answer = await post(service, `/${uid}/-/check`, tokenOf(), { headers: changed });
      expect([answer.status, answer.body]).toEqual([redeemed.status, redeemed.body]);
      expect(service.logged('refused').at(-1)).toMatchObject({ code: 'csr_invalid' });
      expect((await post(service, `/${uid}/-/check`, tokenOf(), { headers })).status).toBe(200);
    },
  );

  it('is redeemed with a token that names the key of the request in its audience, and with no other key', async () => {
    const { uid } = await grantFor({ identities: ['github:repo:example/*'] });
    const key = newKey();
    const token = tokenOf(github, {}, { sub: 'repo:example/a', aud: [`${origin}#${keySha256(key)}`] });
    expect(outcomeOf(await redeem(uid, token))).toEqual(REFUSED);
    redeemedAnswer(await redeem(uid, token, csrHeader(key)));
  });

  it('is refused with a bearer token of the admin API, and with an ID token', async () => {
    const { uid } = await grantFor({ identities: ['*:*'] });
    const issuerKey = { kid: east.kid, algorithm: 'ES256', secret: east.secret, jwk: east.jwk };
    const bearer = await signBearer(issuerKey, service.clock.read(), { issuer: ISSUER });
    const idToken = tokenOf(east, { claims: { nonce: 'n', azp: 'console' } }, { aud: 'console' });
    for (const token of [bearer, idToken]) expect(outcomeOf(await redeem(uid, token))).toEqual(REFUSED);
  });

  it('is verified for the name of a grant that does not exist, and refused like one that does', async () => {
    const { namespace, name, uid } = await grantFor({ identities: ['west:*'] });
    const answers = [];
    for (const path of [`/${namespace}/${name}`, `/${namespace}/no-such-grant`])
      answers.push(outcomeOf(await post(service, path, tokenOf(), { headers: csrHeader() })));
    expect(answers[0]).toEqual(answers[1]);
    const reasons = service
      .logged('refused')
      .slice(-2)
      .map(({ reason }) => reason);
    expect(reasons[0]).toBe(reasons[1]);
    await service.store.updateGrant(uid, { policy: { identities: ['east:*'] } });
    redeemedAnswer(await post(service, `/${namespace}/${name}`, tokenOf(), { headers: csrHeader() }));
  });

  it('is counted by configured provider and failed check, also if a site checks the grant, and never by a claim of the token', async () => {
    const { uid } = await grantFor({ identities: ['east:*'] });
    const valuesOf = async (name: string) => {
      const metrics = await service.running.metrics.registry.getMetricsAsJSON();
      const { values } = metrics.find((metric) => metric.name === name) ?? { values: [] };
      return new Map(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
    };
    const counted = () => valuesOf('linkgrant_identity_tokens_total');
    const before = await counted();
    const other = { iss: 'https://other.example.com' };
    redeemedAnswer(await redeem(uid, tokenOf()));
    await post(service, `/${uid}/-/check`, tokenOf(), { headers: csrHeader() });
    await redeem(uid, tokenOf(), {});
    await redeem(uid, tokenOf(east, { claims: other }));
    await redeem(uid, tokenOf(east, { header: { typ: 'logout+jwt' } }));
    await redeem(uid, tokenOf(east, { claims: { exp: 1 } }));
    await redeem(uid, tokenOf(east, {}, { aud: other.iss }));
    await redeem(uid, tokenOf(west));
    await redeem(uid, 'a wrong code');
    const increase = [...(await counted())].map(
      ([labels, value]) => [labels, value - (before.get(labels) ?? 0)] as const,
    );
    expect(Object.fromEntries(increase.filter(([, value]) => value > 0))).toEqual({
      ...{ 'east accepted': 2, 'east csr': 1, 'east time': 1, 'east audience': 1, 'west grant': 1 },
      ...{ ' issuer': 1, ' form': 1 },
    });
    const keys = await valuesOf('linkgrant_identity_keys');
    expect(Object.fromEntries(keys)).toEqual({ east: 1, west: 1, github: 1 });
  });

  it.each([
    ['a body of many dots', '.'.repeat(4_096)],
    ['a body of many dots after the beginning of a JWT', `eyJ${'.'.repeat(4_093)}`],
    ['a body of many quotes', `eyJ.${Buffer.from('"'.repeat(2_900)).toString('base64url')}.a`],
  ])('is refused for %s', async (_what, body) => {
    const { uid } = await grantFor({ identities: ['*:*'] });
    expect(outcomeOf(await redeem(uid, body))).toEqual(REFUSED);
  });
});

describe('an identity that has redeemed a grant', () => {
  it('is reported with both addresses when it presents another key, once a day in the ledger', async () => {
    const { uid } = await grantFor({ identities: ['east:*'] });
    const from = (address: string) =>
      post(service, `/${uid}`, tokenOf(), { headers: csrHeader(), from: address });
    const { redemptionId } = redeemedAnswer(await from('127.0.0.2'));
    for (const address of ['127.0.0.3', '127.0.0.4'])
      expect(outcomeOf(await from(address))).toEqual([404, 'No such access granted\n', 'code_exhausted']);
    const conflicts = (await entriesOf(uid)).filter(({ kind }) => kind === 'identity_conflict');
    expect(conflicts).toEqual([
      expect.objectContaining({
        redemptionId,
        detail: expect.objectContaining({ peer: '127.0.0.3', firstPeer: '127.0.0.2' }),
      }),
    ]);
    const logged = service.logged('identity_conflict').filter(({ grant }) => grant === uid);
    expect(logged).toEqual([
      expect.objectContaining({ peer: '127.0.0.3', firstPeer: '127.0.0.2', identityProvider: 'east' }),
      expect.objectContaining({ peer: '127.0.0.4', firstPeer: '127.0.0.2' }),
    ]);
    expect(await service.store.verifyLedger(uid)).not.toHaveProperty('fault');
  });

  it('is reported too when the grant has ended with its use, and another identity is not', async () => {
    const { uid } = await grantFor({ identities: ['east:*'] }, { redemptionsAllowed: 1 });
    redeemedAnswer(await redeem(uid, tokenOf()));
    for (const sub of ['another', SUB])
      expect(outcomeOf(await redeem(uid, tokenOf(east, {}, { sub })))[2]).toBe('grant_exhausted');
    const conflicts = (await entriesOf(uid)).filter(({ kind }) => kind === 'identity_conflict');
    expect(conflicts).toHaveLength(1);
    expect(service.logged('identity_conflict').filter(({ grant }) => grant === uid)).toHaveLength(1);
  });
});

describe('a grant that is only for identities', () => {
  it('refuses its own code, and replays what was redeemed before', async () => {
    const { grant, code } = await service.storedGrant({ redemptionsAllowed: 5, policy: {} });
    const headers = csrHeader();
    const first = redeemedAnswer(await redeem(grant.uid, code, headers));
    await service.store.updateGrant(grant.uid, {
      policy: { identities: ['east:*'], identityRequired: true },
    });
    expect(outcomeOf(await redeem(grant.uid, code))).toEqual([
      ...REFUSED.slice(0, 2),
      'policy_identity_required',
    ]);
    expect(redeemedAnswer(await redeem(grant.uid, code, headers)).certificate).toBe(first.certificate);
    redeemedAnswer(await redeem(grant.uid, tokenOf()));
  });
});
