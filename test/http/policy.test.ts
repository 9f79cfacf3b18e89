import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mintSignedCode } from '../../src/codes/signed-code.js';
import { grantSigningKey } from '../../src/codes/signing-keys.js';
import { CodeKeyDirectory } from '../../src/platforms/standalone/code-key-directory.js';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { parsePolicySettings } from '../../src/redemption/accepting/policy-settings.js';
import { expensiveGlobs } from '../support/expensive-globs.js';
import { csrHeader, endOf, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { HOUR, MINUTE, startTestService } from '../support/service.js';
import { post, refusal } from '../support/wire.js';

const service = releaseAfterFile(await startTestService());

/** Creates a grant with the policy of these settings. */
async function grantWith(settings: Readonly<Record<string, string>>): Promise<CreatedGrant> {
  const policy = parsePolicySettings(settings);
  if ('problem' in policy) throw new Error(policy.problem);
  return service.grant({ policy, name: `to-hub-${randomUUID()}`, redemptionsAllowed: 2 });
}

/** The code of a signed token of the grant. */
async function signedCode({ grant: { uid } }: CreatedGrant): Promise<string> {
  const issuedAt = service.clock.read();
  const code = { jti: randomUUID(), grantUid: uid, uses: 2, issuedAt, expirationTime: issuedAt + HOUR };
  const master = await new CodeKeyDirectory(service.directory, service.clock.read).current();
  return mintSignedCode(code, grantSigningKey(master, uid));
}

const ownCode = async ({ code }: CreatedGrant) => code;
const CLIENTS = {
  'a client with a CSR': { headers: () => csrHeader(), codeOf: ownCode },
  'a Skupper client': { headers: () => ({}), codeOf: ownCode },
  'a client with a CSR and a signed token': { headers: () => csrHeader(), codeOf: signedCode },
} as const;
const CLIENT_NAMES = Object.keys(CLIENTS) as readonly (keyof typeof CLIENTS)[];

async function redeem(
  created: CreatedGrant,
  client: keyof typeof CLIENTS,
  headers: Readonly<Record<string, string>> = {},
) {
  const { headers: own, codeOf } = CLIENTS[client];
  return post(service, `/${created.grant.uid}`, await codeOf(created), {
    headers: { subject: 'branch-7', ...own(), ...headers },
  });
}

/** Expects a refusal with this code that spends no use. */
async function expectRefusal(
  created: CreatedGrant,
  client: keyof typeof CLIENTS,
  status: number,
  code: string,
) {
  const answer = await redeem(created, client);
  expect(refusal(answer)).toEqual([status, code]);
  expect(await service.used(created.grant.uid)).toBe(0);
  // A refusal is recorded after its response.
  await expect
    .poll(() => service.store.listAttempts(created.grant.uid, 1))
    .toMatchObject([{ outcome: code, subject: 'branch-7', peer: '127.0.0.1' }]);
}

describe.each(CLIENT_NAMES)('the service, for %s,', (client) => {
  it.each([
    ['linkgrant/subjects', '', 'policy_subject'],
    ['linkgrant/names', 'from-*', 'policy_name'],
    ['linkgrant/source-cidrs', '10.0.0.0/8,::/0', 'policy_source'],
    ['linkgrant/key-types', 'p384,rsa,ed25519', 'policy_key'],
  ])('refuses a redemption under %s "%s" as %s, and counts no use', async (key, text, code) => {
    await expectRefusal(await grantWith({ [key]: text }), client, 403, code);
  });

  it.each([
    ['linkgrant/subjects', 'hq, branch-*'],
    ['linkgrant/names', 'to-hub-*'],
    ['linkgrant/source-cidrs', '10.0.0.0/8,127.0.0.1'],
    ['linkgrant/key-types', 'p256'],
    ['linkgrant/csr-required', 'false'],
    ['linkgrant/not-before', '2000-01-01T00:00:00Z'],
    ['linkgrant/certificate-lifetime', '90m'],
  ])('redeems under %s "%s"', async (key, text) => {
    const created = await grantWith({ [key]: text });
    const answer = redeemedAnswer(await redeem(created, client));
    const lifetime = endOf(answer) - service.clock.read();
    if (key === 'linkgrant/certificate-lifetime') expect(lifetime).toBeLessThanOrEqual(90 * MINUTE);
    expect(await service.used(created.grant.uid)).toBe(1);
  });

  it('refuses a redemption before linkgrant/not-before with the time to wait, and redeems afterwards', async () => {
    const notBefore = new Date(service.clock.read() + MINUTE).toISOString();
    const created = await grantWith({ 'linkgrant/not-before': notBefore });
    await expectRefusal(created, client, 503, 'not_yet_valid');
    expect((await redeem(created, client)).headers['retry-after']).toBe('60');
    service.clock.advance(MINUTE);
    redeemedAnswer(await redeem(created, client));
    expect(await service.used(created.grant.uid)).toBe(1);
  });
});

describe('a grant that requires a CSR', () => {
  it('refuses a Skupper client, counts no use, and redeems for a client with a CSR', async () => {
    const created = await grantWith({ 'linkgrant/csr-required': 'true' });
    await expectRefusal(created, 'a Skupper client', 403, 'policy_csr_required');
    redeemedAnswer(await redeem(created, 'a client with a CSR'));
    expect(await service.used(created.grant.uid)).toBe(1);
  });
});

describe('a rule that is added after a redemption', () => {
  it('does not prevent a repetition with the same key, and refuses another key', async () => {
    const created = await grantWith({});
    const headers = csrHeader(newKey());
    const { body } = await redeem(created, 'a client with a CSR', headers);
    await service.store.updateGrant(created.grant.uid, { policy: { subjects: [] } });
    const again = await redeem(created, 'a client with a CSR', headers);
    redeemedAnswer(again);
    expect(again.body).toBe(body);
    const other = await redeem(created, 'a client with a CSR');
    expect(other.headers['linkgrant-reason']).toBe('policy_subject');
    expect(await service.used(created.grant.uid)).toBe(1);
  });
});

describe('a stored policy with globs that take long to match', () => {
  it('permits what it matches within the limit, refuses other redemptions, and spends no use for them', async () => {
    const created = await grantWith({});
    // A service without the limit stored it.
    const policy = { subjects: ['branch-*', ...expensiveGlobs(1_000), `*${'late'.repeat(40)}*`] };
    await service.store.updateGrant(created.grant.uid, { policy });
    for (const subject of ['a'.repeat(253), `too-${'late'.repeat(40)}-1`]) {
      const answer = await redeem(created, 'a client with a CSR', { subject });
      expect(refusal(answer)).toEqual([403, 'policy_subject']);
    }
    expect(await service.used(created.grant.uid)).toBe(0);
    redeemedAnswer(await redeem(created, 'a client with a CSR'));
    expect(await service.used(created.grant.uid)).toBe(1);
  });
});

describe('a check request', () => {
  const settings = {
    'linkgrant/subjects': '',
    'linkgrant/certificate-lifetime': '30d',
    'linkgrant/csr-required': 'true',
  };

  it('returns the rules to a client with a valid code', async () => {
    const created = await grantWith(settings);
    for (const code of [created.code, await signedCode(created)]) {
      const answer = await post(service, `/${created.grant.uid}/-/check`, code);
      expect(JSON.parse(answer.body)).toMatchObject({ state: 'ready', policy: settings });
    }
    const plain = await grantWith({});
    const { body } = await post(service, `/${plain.grant.uid}/-/check`, plain.code);
    expect(JSON.parse(body).policy).toEqual({});
  });
});

describe('a grant for endpoints with a role', () => {
  it('refuses a redemption at a site without that role, and counts no use', async () => {
    const created = await grantWith({ 'linkgrant/endpoint-roles': 'inter-network' });
    await expectRefusal(created, 'a client with a CSR', 503, 'link_access_unavailable');
  });

  it('returns only endpoints with that role', async () => {
    const created = await grantWith({ 'linkgrant/endpoint-roles': 'edge' });
    const { status, body } = await redeem(created, 'a client with a CSR');
    expect([status, body.match(/name: "(edge|inter-router)"/g)]).toEqual([200, ['name: "edge"']]);
  });
});
