import { describe, expect, it } from 'vitest';
import { certificateState, linkState } from '../../../src/domain/issued-certificate.js';
import { NOW } from '../../support/store-samples.js';

const DAY = 86_400_000;

describe('the state of a certificate', () => {
  const certificate = { notBefore: 1_000, notAfter: 4_000 };

  it('is early before its start, and valid from that moment on', () => {
    expect(certificateState(certificate, 999)).toBe('early');
    expect(certificateState(certificate, 1_000)).toBe('valid');
  });

  it('is expiring from the moment that a third of its lifetime is left', () => {
    expect(certificateState(certificate, 2_999)).toBe('valid');
    expect(certificateState(certificate, 3_000)).toBe('expiring');
  });

  it('is expired from its end on', () => {
    expect(certificateState(certificate, 3_999)).toBe('expiring');
    expect(certificateState(certificate, 4_000)).toBe('expired');
  });
});

describe('the state of a link', () => {
  it.each([
    [DAY, DAY / 3],
    [21 * DAY, 7 * DAY],
    [30 * DAY, 7 * DAY],
    [1_825 * DAY, 7 * DAY],
  ])(
    'with a certificate of %d ms is expiring during the last %d ms, and expired from its end on',
    (lifetime, rest) => {
      const notAfter = NOW + lifetime;
      const stateAt = (now: number) => linkState({ revokedAt: null, issuedAt: NOW, notAfter }, now);
      expect([notAfter - rest - 1, notAfter - rest, notAfter - 1, notAfter].map(stateAt)).toEqual([
        'valid',
        'expiring',
        'expiring',
        'expired',
      ]);
    },
  );

  it.each([NOW, NOW + DAY, NOW + 2 * DAY])('is revoked at any time after its revocation', (now) => {
    const link = { revokedAt: NOW, issuedAt: NOW - DAY, notAfter: NOW + DAY };
    expect(linkState(link, now)).toBe('revoked');
  });
});
