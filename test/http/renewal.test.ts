import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GrantPolicy } from '../../src/domain/policy.js';
import { privateKeyPem } from '../../src/pki/keys.js';
import { expensiveGlobs } from '../support/expensive-globs.js';
import {
  linkOf,
  postRenewal,
  RENEWAL_REFUSED,
  type RequestChanges,
  redeemLink,
  renewalOf,
  renewTestLink,
  requestRenewal,
  type TestLink,
} from '../support/links/test-link.js';
import { endOf, inWholeSeconds, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { makeIdentity, writeIdentity } from '../support/server-identity.js';
import { DAY, HOUR, MINUTE, startTestService, type TestService } from '../support/service.js';
import { outcomeOf, refusal, type WireResponse } from '../support/wire.js';
import { OpenSsl } from '../unit/pki/openssl.js';

const PROBLEM = { accept: 'application/problem+json' };

let service: TestService;

const openssl = releaseAfterFile(new OpenSsl());

beforeEach(async () => {
  service = releaseAfterTest(await startTestService());
});

const reasonOf = async (answer: Promise<WireResponse>) => (await answer).headers['linkgrant-reason'];
const renew = (link: TestLink, changes?: RequestChanges) => requestRenewal(link, service, changes);

describe('a client with the key of a link', () => {
  it.each([-5 * MINUTE - 1_000, 5 * MINUTE + 1_000])(
    "gets renewal_stale and the service's time for a request signed %d ms off",
    async (offset) => {
      const link = await redeemLink(service);
      const request = await renewalOf(link, service, { now: service.clock.read() + offset });
      const answer = await postRenewal(service, request);
      expect(outcomeOf(answer)).toEqual([403, 'Renewal request out of date\n', 'renewal_stale']);
      const problem = JSON.parse((await postRenewal(service, request, { headers: PROBLEM })).body);
      const serverTime = new Date(service.clock.read()).toISOString();
      expect(problem).toMatchObject({ status: 403, code: 'renewal_stale', serverTime });
      redeemedAnswer(await renew(link, { now: Date.parse(problem.serverTime) }));
    },
  );

  it('can renew with a request signed less than 5 minutes off', async () => {
    let link = await redeemLink(service);
    for (const offset of [-5 * MINUTE + 1_000, 5 * MINUTE - 1_000]) {
      const next = newKey();
      const answer = await renew(link, { newKey: next, now: service.clock.read() + offset });
      link = linkOf(redeemedAnswer(answer), next);
    }
  });

  it('cannot renew a revoked redemption, or get its last renewal again', async () => {
    const link = await redeemLink(service);
    const next = newKey();
    const renewed = await renewTestLink(link, service, next);
    await service.store.revokeRedemption(link.id, service.clock.read());
    const refused = [403, 'Renewal of link certificate refused\n', 'redemption_revoked'];
    expect(outcomeOf(await renew(renewed))).toEqual(refused);
    expect(outcomeOf(await renew(link, { newKey: next }))).toEqual(refused);
  });

  it('cannot renew a superseded certificate for another key, and the ledger records the attempt', async () => {
    const created = await service.grant();
    const link = await redeemLink(service, newKey(), created);
    const renewed = await renewTestLink(link, service);
    const answer = await renew(link);
    expect(outcomeOf(answer)).toEqual([409, 'Certificate superseded\n', 'superseded']);
    await renewTestLink(renewed, service);
    // A certificate older than the previous one is refused.
    expect(outcomeOf(await renew(link))).toEqual(RENEWAL_REFUSED);
    expect(await kinds(created.grant.uid)).toEqual([
      'created',
      'redeemed',
      'renewed',
      'superseded',
      'renewed',
    ]);
  });

  it('can renew an expired certificate for one more week', async () => {
    const one = await redeemLink(service);
    const two = await redeemLink(service);
    service.clock.advance(37 * DAY - MINUTE);
    await renewTestLink(one, service);
    service.clock.advance(2 * MINUTE);
    expect(outcomeOf(await renew(two))).toEqual([
      403,
      'Renewal of link certificate refused\n',
      'renewal_expired',
    ]);
  });

  it('gets csr_invalid for text in place of a CSR', async () => {
    const answer = await renew(await redeemLink(service), { csrDer: Buffer.from('no CSR') });
    expect(outcomeOf(answer)).toEqual([400, 'Request body not valid\n', 'csr_invalid']);
  });

  it('gets key_weak for a weak key', async () => {
    const key = openssl.write(
      'weak.key',
      privateKeyPem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
    );
    const csrDer = openssl.run(['req', '-new', '-key', key, '-subj', '/CN=x', '-outform', 'DER']);
    expect(await reasonOf(renew(await redeemLink(service), { csrDer }))).toBe('key_weak');
  });

  it.each<[string, GrantPolicy]>([
    ['policy_subject', { subjects: ['other-*'] }],
    ['policy_name', { names: [] }],
    ['policy_source', { sourceCidrs: ['192.0.2.0/24'] }],
    ['policy_key', { keyTypes: ['rsa'] }],
  ])('is refused if the policy became stricter: %s', async (reason, policy) => {
    const created = await service.grant();
    const link = await redeemLink(service, newKey(), created);
    await service.store.updateGrant(created.grant.uid, { policy });
    const answer = await renew(link);
    expect(refusal(answer)).toEqual([403, reason]);
    const removed = Object.fromEntries(Object.keys(policy).map((rule) => [rule, null]));
    await service.store.updateGrant(created.grant.uid, { policy: removed });
    await renewTestLink(link, service);
  });

  it('stays limited by the policy of its redemption, even if the grant is less strict now or deleted', async () => {
    const created = await service.grant({ policy: { keyTypes: ['p256'], certificateLifetimeMs: HOUR } });
    const link = await redeemLink(service, newKey(), created);
    const hourFromNow = () => inWholeSeconds(service.clock.read() + HOUR);
    const removed = { keyTypes: null, certificateLifetimeMs: null };
    await service.store.updateGrant(created.grant.uid, { policy: removed });
    expect(await reasonOf(renew(link, { newKey: newKey('secp384r1') }))).toBe('policy_key');
    const next = newKey();
    const answer = redeemedAnswer(await renew(link, { newKey: next }));
    expect(endOf(answer)).toBe(hourFromNow());
    await service.store.deleteGrant(created.grant.uid);
    const renewed = linkOf(answer, next);
    expect(await reasonOf(renew(renewed, { newKey: newKey('secp384r1') }))).toBe('policy_key');
    const last = redeemedAnswer(await renew(renewed));
    expect(endOf(last)).toBe(hourFromNow());
  });

  it('is renewed under stored globs that take long to match if an early one matches, else refused as policy_subject', async () => {
    // A service without the limit stored the policies.
    const [early, late] = await Promise.all([service.grant(), service.grant({ name: 'late'.repeat(41) })]);
    const subjects = [early.grant.name, ...expensiveGlobs(1_000), `*${'late'.repeat(40)}*`];
    await service.store.updateGrant(early.grant.uid, { policy: { subjects } });
    const earlyLink = await redeemLink(service, newKey(), early);
    const lateLink = await redeemLink(service, newKey(), late);
    await service.store.updateGrant(late.grant.uid, { policy: { subjects } });
    redeemedAnswer(await renew(earlyLink));
    expect(await reasonOf(renew(lateLink))).toBe('policy_subject');
  });

  it('gets the shorter lifetime that the grant has now', async () => {
    const created = await service.grant();
    const link = await redeemLink(service, newKey(), created);
    await service.store.updateGrant(created.grant.uid, { policy: { certificateLifetimeMs: HOUR } });
    const answer = redeemedAnswer(await renew(link));
    expect(endOf(answer)).toBe(inWholeSeconds(service.clock.read() + HOUR));
  });

  it('has its refusals counted in the ledger', async () => {
    const created = await service.grant();
    const link = await redeemLink(service, newKey(), created);
    for (let attempt = 0; attempt < 3; attempt += 1) await renew(link, { csrDer: Buffer.from('no CSR') });
    // Refusals are recorded after their responses.
    await expect
      .poll(() => service.store.listAttempts(created.grant.uid, 10))
      .toContainEqual(expect.objectContaining({ outcome: 'csr_invalid', count: 3 }));
  });
});

async function kinds(grantUid: string): Promise<string[]> {
  const { items } = await service.store.listLedger({ limit: 100, grantUid });
  return items.map(({ kind }) => kind).reverse();
}

it('renewals appear in log and metrics without any secret', async () => {
  const link = await redeemLink(service);
  const request = await renewalOf(link, service);
  await postRenewal(service, request);
  await postRenewal(service, request);
  await renew(link);
  await postRenewal(service, 'words');
  const { items } = await service.store.listRedemptions({ limit: 1 });
  const linkFields = {
    redemption: link.id,
    grant: items[0]?.grantUid,
    namespace: 'default',
    name: items[0]?.name,
  };
  expect(service.logged().slice(-4)).toMatchObject([
    { event: 'renewed', msg: 'link renewed', ...linkFields },
    { event: 'replayed', msg: 'link replayed', ...linkFields },
    { event: 'refused', msg: 'renewal refused', code: 'superseded', ...linkFields },
    { event: 'refused', msg: 'renewal refused', code: 'renewal_invalid' },
  ]);
  expect(service.logText()).not.toContain(request.split('.')[1]);
  expect(await service.metricsText()).toContain(
    'linkgrant_responses_total{operation="renew",outcome="renewed"} 1',
  );
});

it("the renewal annotations contain the CA of the service's current certificate", async () => {
  const [first, second] = [await makeIdentity(), await makeIdentity()];
  const moving = releaseAfterTest(await startTestService(writeIdentity(openssl.directory, first)));
  const link = await redeemLink(moving);
  writeIdentity(openssl.directory, second);
  await moving.running.reloadIdentity();
  const request = await renewalOf(link, moving);
  const answer = redeemedAnswer(await postRenewal({ ...moving, ca: second.ca }, request));
  expect(answer.secret.metadata.annotations?.['linkgrant.dev/server-ca']).toBe(second.ca);
});
