import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { verificationProblem } from '../../../src/pki/certificate-info.js';
import { endlessChain, slowCertificates } from '../../support/slow-certificates.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const MAX_CPU_MS = 500;

afterEach(() => vi.restoreAllMocks());

/** Judges certificates; returns the problem, how many signatures were verified, and the processor time in ms. */
function judge([leaf = '', ...intermediates]: readonly string[], authorities: readonly string[]) {
  const verify = vi.spyOn(X509Certificate.prototype, 'verify');
  const started = process.cpuUsage();
  const problem = verificationProblem(leaf + intermediates.join(''), authorities.join(''), NOW);
  const { user, system } = process.cpuUsage(started);
  return { problem, signatures: verify.mock.calls.length, cpuMs: (user + system) / 1000 };
}

describe('verification of certificates that are slow to verify', () => {
  it('verifies no signature with a key type that is not accepted', () => {
    const [leaf = ''] = endlessChain(1, 'slow');
    const authorities = slowCertificates('dsa-10000', 16, 'slow');
    const intermediates = slowCertificates('dsa-10000', 15, 'slow');
    const { problem, signatures, cpuMs } = judge([leaf, ...intermediates], authorities);
    expect(problem).toContain('a possible issuer has a key that is not RSA, P-256, P-384, P-521 or Ed25519');
    // Only the signature of the leaf is verified, with its own key.
    expect(signatures).toBe(1);
    expect(cpuMs).toBeLessThan(MAX_CPU_MS);
    expect(judge(slowCertificates('dsa-10000', 1, 'slow'), authorities).problem).toContain(
      'the certificate has a key that is not',
    );
  });

  it.each(['rsa-4096', 'p521'] as const)(
    'verifies at most 24 signatures if all keys are accepted: %s',
    (kind) => {
      const certificates = slowCertificates(kind, 32, 'slow');
      const { problem, signatures, cpuMs } = judge(certificates.slice(16), certificates.slice(0, 16));
      expect(problem).toBe('more than 24 signatures to verify');
      expect(signatures).toBe(24);
      expect(cpuMs).toBeLessThan(MAX_CPU_MS);
    },
  );

  it('verifies at most 24 signatures if each certificate is signed by the next', () => {
    const certificates = endlessChain(32, 'slow');
    const { problem, signatures, cpuMs } = judge(certificates.slice(0, 16), certificates.slice(16));
    expect(problem).toBe('more than 24 signatures to verify');
    expect(signatures).toBe(24);
    expect(cpuMs).toBeLessThan(MAX_CPU_MS);
  });
});
