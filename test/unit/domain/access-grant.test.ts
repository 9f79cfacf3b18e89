import { describe, expect, it } from 'vitest';
import { grantRefusal, grantState } from '../../../src/domain/access-grant.js';
import { NOW, sampleGrant } from '../../support/store-samples.js';

describe('the state of a grant', () => {
  it.each([
    ['ready', {}],
    ['ready', { expirationTime: NOW + 1 }],
    ['expired', { expirationTime: NOW }],
    ['exhausted', { redemptions: 1 }],
    ['exhausted', { redemptions: 5, redemptionsAllowed: 3 }],
    ['expired', { redemptions: 1, expirationTime: NOW - 1 }],
    ['pending', { expirationTime: null }],
    ['pending', { expirationTime: null, redemptions: 1 }],
    ['revoked', { revokedAt: NOW, expirationTime: NOW - 1, redemptions: 1 }],
    ['revoked', { revokedAt: NOW, expirationTime: null }],
  ] as const)('is %s for %o', (state, changes) => {
    expect(grantState(sampleGrant(changes), NOW)).toBe(state);
  });
});

describe('the refusal of a grant', () => {
  it.each([
    [undefined, {}],
    ['link_access_unavailable', { expirationTime: null, redemptions: 1 }],
    ['grant_expired', { expirationTime: NOW, redemptions: 1 }],
    ['grant_exhausted', { redemptions: 1 }],
    ['grant_revoked', { revokedAt: NOW, expirationTime: null }],
  ] as const)('is %s for %o', (refused, changes) => {
    expect(grantRefusal(sampleGrant(changes), NOW)?.refused).toBe(refused);
  });
});
