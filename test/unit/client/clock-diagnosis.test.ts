import { X509Certificate } from 'node:crypto';
import { Duplex } from 'node:stream';
import { rootCertificates, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { diagnoseClock } from '../../../src/client/clock-diagnosis.js';
import type { RunWork } from '../../../src/time/cpu-budget.js';
import { makeAuthority } from '../../support/server-identity.js';

/**
 * Returns the error code of the clock diagnosis with a local clock in 1970, for a token without a CA. The server presents this
 * certificate and sends no time.
 */
async function codeFor(certificate: string, runWork?: RunWork): Promise<string> {
  const socket = Object.assign(
    new Duplex({ read: () => socket.push(null), write: (_chunk, _encoding, done) => done() }),
    { getPeerX509Certificate: () => new X509Certificate(certificate) },
  );
  const { code } = await diagnoseClock({
    target: { host: 'grants.example.com', port: 443 },
    now: 0,
    signal: AbortSignal.timeout(5_000),
    runWork,
    openUnverified: async () => socket as unknown as TLSSocket,
  });
  return code;
}

test('a certificate of a CA that Node trusts is reported as a wrong local clock, and one of another CA as untrusted', async () => {
  expect(await codeFor(rootCertificates[0] ?? '')).toBe('clock_skew');
  expect(await codeFor((await makeAuthority('Other CA')).bundlePem)).toBe('tls_untrusted');
});

test('the diagnosis of a clock verifies certificates within `runWork`', async () => {
  const runNothing: RunWork = () => undefined as never;
  expect(await codeFor(rootCertificates[0] ?? '', runNothing)).toBe('tls_untrusted');
});
