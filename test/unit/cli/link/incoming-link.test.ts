import { expect, it } from 'vitest';
import { incomingReport } from '../../../../src/cli/link/incoming-link.js';
import { PeerIndex } from '../../../../src/redemption/administration/link-connections.js';
import type { ListedRedemption } from '../../../../src/redemption/ports/grant-store.js';
import { NOW, sampleRedemption, sampleRenewal } from '../../../support/store-samples.js';

const DAY = 86_400_000;
const redemption = sampleRedemption('grant', { createdAt: NOW, notAfter: NOW + 30 * DAY });
const newest = sampleRenewal(redemption.id, 1, { renewedAt: NOW + 20 * DAY, notAfter: NOW + 26 * DAY });

it.each<[string, string, Partial<ListedRedemption>, number]>([
  ['valid', 'a first certificate with more than 7 days left', {}, 23 * DAY - 1],
  ['expiring', 'a first certificate with 7 days left', {}, 23 * DAY],
  ['expired', 'a first certificate at its end', {}, 30 * DAY],
  ['valid', 'a renewal with more than a third of its lifetime left', { newest }, 24 * DAY - 1],
  ['expiring', 'a renewal with a third of its lifetime left', { newest }, 24 * DAY],
  ['expired', 'a renewal that ends before the first certificate', { newest }, 26 * DAY],
  ['revoked', 'a revocation', { revokedAt: NOW, newest }, 26 * DAY],
])('an incoming link is %s with %s', (state, _, changes, ms) => {
  const report = incomingReport({ ...redemption, ...changes }, NOW + ms, new PeerIndex(undefined));
  expect(report.state).toBe(state);
});
