import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { type MutatedRequest, mutatedRequests } from '../fuzz/mutated-requests.mjs';
import { opensslVerdicts } from '../fuzz/openssl-requests.mjs';
import { forEachParallel } from '../support/parallel.js';
import { redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';
import { OpenSsl } from '../unit/pki/openssl.js';
import { startHostileService } from './hostile-service.js';
import { countOutcome, printOutcomes, requireNone, startRound, type Violation } from './round.js';

const PARALLEL = 16;
const MAX_ANSWER_MS = 60_000;
// Limit of the headers of a request, in bytes; headers other than the CSR are shorter than 400.
const MAX_HEADERS = 16_384;
const MAX_VERIFIED = 20;

const openssl = releaseAfterFile(new OpenSsl());

const service = releaseAfterFile(await startHostileService());
const grant = await service.grant('any-key', 1_000_000, { 'linkgrant/key-types': 'p256,p384,rsa,ed25519' });

it('a service issues a certificate for a mutated CSR only if OpenSSL verifies it, for its key, and counts one use for each certificate', async () => {
  const round = startRound('certificate requests', { full: 5_200, short: 600 });
  const outcomes = new Map<string, number>();
  const violations: Violation[] = [];
  const issued = new Map<
    string,
    { readonly request: MutatedRequest; readonly certificate: string; readonly ca: string }
  >();
  const serials = new Set<string>();

  // Created before the first connection: some take seconds, and a handshake times out after five.
  const requests = [...mutatedRequests(round.count, round.seed)];
  await forEachParallel(requests, PARALLEL, async (request, index) => {
    const { der, from, kinds } = request;
    const csr = der.toString('base64');
    const violation = (what: string) =>
      violations.push({ what, detail: `CSR ${index} (${from}: ${kinds.join(', ')})\n${csr}` });
    const startedAt = performance.now();
    // Each request has its own name, so that one without a CSR does not get an earlier response again.
    const headers = { csr, name: `site-${index}` };
    const answer = await post(service, `/${grant.uid}`, grant.code, { headers }).catch((error: unknown) => {
      // A refusal while a header that is too long is still being sent resets the connection.
      if (csr.length > MAX_HEADERS - 400) return undefined;
      throw error;
    });
    if (!answer) return countOutcome(outcomes, 'connection reset');
    if (performance.now() - startedAt > MAX_ANSWER_MS) violation('no response in time');
    const reason = answer.headers['linkgrant-reason'];
    countOutcome(outcomes, answer.status === 200 ? 'issued' : (reason ?? String(answer.status)));
    if (csr.length > MAX_HEADERS && answer.status !== 431) violation('a header that is too long is read');
    if (answer.status === 200) {
      const { certificate, ca, x509, keyPem } = redeemedAnswer(answer);
      serials.add(x509.serialNumber.toLowerCase());
      if ((keyPem === undefined) === (csr === ''))
        violation('a private key although the site has one, or none although it needs one');
      if (csr !== '') issued.set(csr, { request, certificate, ca });
    } else if (answer.status === 431) {
      if (csr.length < MAX_HEADERS - 400) violation('a short header is refused as too long');
    } else if (answer.status !== 400 || !/^(csr_invalid|key_weak)$/.test(reason ?? '')) {
      violation(`refused with ${answer.status} ${reason}`);
    }
  });
  printOutcomes('responses to certificate requests', outcomes);

  const all = [...issued.values()];
  const keys = await opensslVerdicts(all.map(({ request }) => request.der));
  for (const [index, { request, certificate }] of all.entries()) {
    const spki = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' });
    if (keys[index]?.equals(spki)) continue;
    const detail = `${request.from}: ${request.kinds.join(', ')}\n${request.der.toString('base64')}`;
    violations.push({ what: 'issued for a CSR that OpenSSL refuses, or for another key', detail });
  }
  requireNone(violations, round);
  // Some changes leave a CSR valid; without these the round would prove nothing about issued certificates.
  expect(issued.size).toBeGreaterThan(round.count / 100);
  for (const { certificate, ca } of all.slice(0, MAX_VERIFIED)) {
    const verified = openssl.verifies(certificate, ca, 'sslclient');
    expect(verified.ok, verified.output).toBe(true);
  }
  expect(service.recordedSerials()).toEqual(serials);
  await service.expectUnharmed();
});
