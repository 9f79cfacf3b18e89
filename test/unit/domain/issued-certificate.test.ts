import { describe, expect, it } from 'vitest';
import { certificateLife } from '../../../src/domain/issued-certificate.js';

describe('the state of a certificate', () => {
  const certificate = { notBefore: 1_000, notAfter: 4_000 };

  it('is early before its start, and valid from that moment on', () => {
    expect(certificateLife(certificate, 999)).toBe('early');
    expect(certificateLife(certificate, 1_000)).toBe('valid');
  });

  it('is ending from the moment that a third of its lifetime is left', () => {
    expect(certificateLife(certificate, 2_999)).toBe('valid');
    expect(certificateLife(certificate, 3_000)).toBe('ending');
  });

  it('is ending until its last moment, and expired after it', () => {
    expect(certificateLife(certificate, 4_000)).toBe('ending');
    expect(certificateLife(certificate, 4_001)).toBe('expired');
  });
});
