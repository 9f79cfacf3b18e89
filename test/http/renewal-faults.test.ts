import type { KeyObject } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { SITE_CA } from '../../src/domain/names.js';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../src/redemption/ports/site.js';
import {
  linkOf,
  redeemLink,
  renewTestLink,
  requestRenewal,
  type TestLink,
} from '../support/links/test-link.js';
import { newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterTest } from '../support/release.js';
import { composeTestService, type TestService } from '../support/service.js';
import { storeUnavailable, withStore } from '../support/stores/changed-store.js';
import { refusal, type WireResponse } from '../support/wire.js';

type Fault = (real: GrantStore) => Partial<GrantStore>;
type Change = (access: SiteAccess | SiteRefusal, request: SiteRequest) => SiteAccess | SiteRefusal;

let service: TestService;
let fault: Fault;
let change: Change;

beforeEach(async () => {
  fault = () => ({});
  change = (access) => access;
  service = releaseAfterTest(
    await composeTestService({
      store: (real) => withStore(real, () => fault(real)),
      site: (real): Site => ({
        resolveAccess: async (request) => change(await real.resolveAccess(request), request),
      }),
    }),
  );
});

const renew = (link: TestLink, newKey?: KeyObject) => requestRenewal(link, service, newKey && { newKey });

function setSiteUid(siteUid: string | null): void {
  change = (access) => ('refused' in access ? access : { ...access, siteUid });
}

describe('a store failure during a renewal', () => {
  it.each<[string, Fault]>([
    ['reading the redemption', () => ({ findRenewedRedemption: storeUnavailable })],
    ['reading its grant', () => ({ findGrant: storeUnavailable })],
    ['recording the renewal', () => ({ recordRenewal: storeUnavailable })],
  ])('a failure while %s returns 503, and a repeated request renews the link', async (_what, storeFault) => {
    const link = await redeemLink(service);
    const next = newKey();
    fault = storeFault;
    const answer = await renew(link, next);
    expect([answer.status, answer.body]).toEqual([503, 'Internal error\n']);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    fault = () => ({});
    expect(await service.store.listRenewals(link.id)).toEqual([]);
    const renewed = linkOf(redeemedAnswer(await renew(link, next)), next);
    await renewTestLink(renewed, service);
  });

  it('a renewal that was recorded before the failure is returned to the repeated request', async () => {
    const link = await redeemLink(service);
    const next = newKey();
    fault = (real) => ({
      async recordRenewal(...recorded) {
        await real.recordRenewal(...recorded);
        return storeUnavailable();
      },
    });
    expect((await renew(link, next)).status).toBe(503);
    fault = () => ({});
    const { certificate } = redeemedAnswer(await renew(link, next));
    const renewals = await service.store.listRenewals(link.id);
    expect(renewals.map((renewal) => renewal.certificate)).toEqual([certificate]);
  });

  it('a failure while recording a repetition or a refusal does not change the response', async () => {
    const link = await redeemLink(service);
    fault = () => ({
      recordReplay: storeUnavailable,
      recordSuperseded: storeUnavailable,
      recordRefusal: storeUnavailable,
    });
    const next = newKey();
    const first = await renew(link, next);
    expect((await renew(link, next)).body).toBe(first.body);
    expect((await renew(link)).status).toBe(409);
  });
});

describe('the decision of the store at the commit of a renewal', () => {
  it('the renewal of a link that was revoked after it was read is refused', async () => {
    const link = await redeemLink(service);
    fault = (real) => ({
      async findGrant(uid) {
        await real.revokeRedemption(link.id, service.clock.read());
        return real.findGrant(uid);
      },
    });
    expect((await renew(link)).headers['linkgrant-reason']).toBe('redemption_revoked');
    expect(await service.store.listRenewals(link.id)).toEqual([]);
  });

  it.each([true, false])('only one of two concurrent renewals is recorded (same key: %s)', async (same) => {
    const link = await redeemLink(service);
    const next = newKey();
    let first: WireResponse | undefined;
    fault = () => ({
      async recordRenewal(...recorded) {
        fault = () => ({});
        first = await renew(link, same ? next : newKey());
        return service.store.recordRenewal(...recorded);
      },
    });
    const second = await renew(link, next);
    expect([second.status, second.body]).toEqual(
      same ? [200, first?.body] : [409, 'Certificate superseded\n'],
    );
    expect(await service.store.listRenewals(link.id)).toHaveLength(1);
  });
});

it('a verification reports the renewal of a link whose subject was changed, and put back before it was recorded', async () => {
  const link = await redeemLink(service);
  const first = newKey();
  const renewed = linkOf(redeemedAnswer(await renew(link, first)), first);
  expect(await service.store.verifyLedger()).not.toHaveProperty('fault');
  const { subject = '' } = (await service.store.findRedemption(link.id)) ?? {};
  const setSubject = (value: string) => service.sql('UPDATE redemptions SET subject = ?', value);
  setSubject('headquarters');
  fault = (real) => ({
    async recordRenewal(...recorded) {
      setSubject(subject);
      return real.recordRenewal(...recorded);
    },
  });
  expect((await renew(renewed)).status).toBe(200);
  expect(await service.store.verifyLedger()).toMatchObject({
    fault: { problem: `records renewal 2 of redemption ${link.id}, which was issued from changed rows` },
  });
});

describe('the accepting site at a renewal', () => {
  it('refuses the links of a replaced site of the same name', async () => {
    setSiteUid('the-old-site');
    const link = await redeemLink(service);
    const next = newKey();
    const renewed = linkOf(redeemedAnswer(await renew(link, next)), next);
    for (const siteUid of ['the-new-site', null]) {
      setSiteUid(siteUid);
      for (const answer of [await renew(renewed), await renew(link, next)]) {
        expect([answer.status, answer.body]).toEqual([403, 'Renewal of link certificate refused\n']);
        expect(answer.headers['linkgrant-reason']).toBe('site_replaced');
      }
    }
    setSiteUid('the-old-site');
    await renewTestLink(renewed, service);
  });

  it('accepts links that were redeemed while its uid was unknown', async () => {
    const link = await redeemLink(service);
    setSiteUid('a-site');
    await renewTestLink(link, service);
  });

  it('a renewal returns 503 while the site has no link access, and the log has the reason', async () => {
    const link = await redeemLink(service);
    const reason = 'the router is away';
    change = () => ({ refused: 'link_access_unavailable', reason, hint: 'wait' });
    const answer = await renew(link);
    expect(refusal(answer)).toEqual([503, 'link_access_unavailable']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(service.logged().at(-1)).toMatchObject({ code: 'link_access_unavailable', reason });
    expect(answer.body).not.toContain(reason);
    change = (access) => access;
    await renewTestLink(link, service);
  });

  it('is queried with the namespace and issuer of the grant, also after the grant was deleted', async () => {
    const requests: SiteRequest[] = [];
    change = (access, request) => {
      requests.push(request);
      return access;
    };
    const created = await service.storedGrant({ namespace: 'west', issuer: SITE_CA });
    const link = await redeemLink(service, newKey(), created);
    const next = newKey();
    const renewed = linkOf(redeemedAnswer(await renew(link, next)), next);
    await service.store.deleteGrant(created.grant.uid);
    await renewTestLink(renewed, service);
    expect(requests.map(({ namespace, issuer }) => [namespace, issuer])).toEqual(
      Array(3).fill(['west', SITE_CA]),
    );
  });
});

it('a renewal is refused with 503 if its CA has expired since it was checked', async () => {
  const link = await redeemLink(service);
  change = (access) => {
    if ('refused' in access) return access;
    return { ...access, issuer: { ...access.issuer, notAfter: service.clock.read() } };
  };
  expect(refusal(await renew(link, newKey()))).toEqual([503, 'issuer_unavailable']);
  expect(await service.store.listRenewals(link.id)).toEqual([]);
});
