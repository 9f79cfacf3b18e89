import { describe, expect, it } from 'vitest';
import { isNotRenewing, linkState } from '../../../../src/domain/issued-certificate.js';
import { entryEvent, stateEvents } from '../../../../src/redemption/notifying/cloud-event.js';
import type { LedgerEntry } from '../../../../src/redemption/ports/ledger-store.js';
import type { IssuedLink } from '../../../../src/redemption/ports/link-store.js';
import { NOW } from '../../../support/store-samples.js';

const SOURCE = 'https://grants.example.com:9090';
const DAY = 86_400_000;
const grantUid = '5e0e9c1e-0000-4000-8000-000000000001';
const redemptionId = '6f0f9b7e-0000-4000-8000-000000000002';

const entry = (changes: Partial<LedgerEntry>) => ({
  position: 9,
  namespace: 'default',
  grant: 'west',
  entry: { grantUid, seq: 3, at: NOW, kind: 'redeemed', redemptionId, detail: {}, ...changes } as LedgerEntry,
});

const link = (changes: Partial<IssuedLink> = {}): IssuedLink => ({
  id: redemptionId,
  ...{ grantUid, grantName: 'west', namespace: 'default', mode: 'csr', name: 'link-a', subject: 'site-a' },
  ...{
    jti: null,
    siteUid: null,
    issuer: null,
    peer: '192.0.2.7',
    renewals: 2,
    issuerSha256: '',
    firstNotAfter: NOW + 60 * DAY,
    firstIssuerSha256: '',
    labels: {},
    note: null,
  },
  ...{ createdAt: NOW, issuedAt: NOW, notAfter: NOW + 60 * DAY, revokedAt: null, certificateSha256: '' },
  ...changes,
});

describe('the event of a ledger entry', () => {
  it('is a CloudEvent with the facts of the entry, and the same id each time', () => {
    const redeemed = entry({ detail: { name: 'link-a', subject: 'site-a', notAfter: NOW + DAY } });
    const event = entryEvent(redeemed, SOURCE);
    expect(event).toEqual({
      specversion: '1.0',
      id: `${grantUid}-3-${NOW}`,
      source: SOURCE,
      type: 'dev.linkgrant.link.redeemed',
      subject: redemptionId,
      time: '2031-03-04T05:06:07Z',
      datacontenttype: 'application/json',
      data: {
        ...{ namespace: 'default', grant: 'west', grantUid, redemptionId },
        ...{ name: 'link-a', subject: 'site-a', notAfter: '2031-03-05T05:06:07Z' },
      },
    });
    expect(entryEvent(redeemed, SOURCE)).toEqual(event);
  });

  it('has the uid of the grant as its subject if it is not about a link, and names who revoked it', () => {
    const detail = { actor: 'oidc:4711', actorName: 'ada' };
    const revoked = entryEvent(entry({ kind: 'grant_revoked', redemptionId: null, detail }), SOURCE);
    expect(revoked).toMatchObject({ type: 'dev.linkgrant.grant.revoked', subject: grantUid, data: detail });
  });

  it.each(['created', 'changed', 'renewed', 'replayed', 'setting_changed'] as const)(
    'does not exist for an entry of kind %s',
    (kind) => expect(entryEvent(entry({ kind }), SOURCE)).toBeUndefined(),
  );

  it('does not exist for an entry that retention has removed', () => {
    expect(entryEvent({ position: 4 }, SOURCE)).toBeUndefined();
  });
});

describe('the events about the state of a link', () => {
  it.each([
    ['a certificate of 60 days', 60 * DAY],
    ['a certificate of a day', DAY],
    ['a certificate whose lifetime is not divisible by 3 or 4', 1_000_001],
  ])('have the times at which the state of a link changes, for %s', (_, lifetime) => {
    const ending = link({ notAfter: NOW + lifetime });
    const events = stateEvents(ending, NOW, NOW + lifetime, SOURCE);
    const timeOf = (state: string) => events.find(({ event }) => event.type.endsWith(state))?.at ?? 0;
    expect(linkState(ending, timeOf('expiring') - 1)).toBe('valid');
    expect(linkState(ending, timeOf('expiring'))).toBe('expiring');
    expect(isNotRenewing(ending, timeOf('not-renewed') - 1)).toBe(false);
    expect(isNotRenewing(ending, timeOf('not-renewed'))).toBe(true);
  });

  it('fall in the given interval, with an id for each certificate', () => {
    const [notRenewed, expiring] = [NOW + 45 * DAY, NOW + 53 * DAY];
    const idsOf = (after: number, now: number, renewed = link()) =>
      stateEvents(renewed, after, now, SOURCE).map(({ event }) => event.id);
    expect(idsOf(NOW, notRenewed - 1)).toEqual([]);
    expect(idsOf(NOW, notRenewed)).toEqual([`${redemptionId}-not-renewed-${NOW + 60 * DAY}`]);
    expect(idsOf(notRenewed, expiring)).toEqual([`${redemptionId}-expiring-${NOW + 60 * DAY}`]);
    expect(idsOf(expiring, expiring + DAY)).toEqual([]);
    const later = link({ issuedAt: NOW + 40 * DAY, notAfter: NOW + 100 * DAY });
    expect(idsOf(NOW, expiring, later)).toEqual([]);
  });

  it('do not exist for a revoked link', () => {
    expect(stateEvents(link({ revokedAt: NOW }), NOW, NOW + 60 * DAY, SOURCE)).toEqual([]);
  });
});
