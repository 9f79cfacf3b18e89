import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCertificateRequest } from '../../src/pki/requests.js';
import { startTestService, type TestService } from '../support/service.js';
import { post } from '../support/wire.js';
import { type MutatedRequest, mutatedRequests } from './mutated-requests.mjs';
import { opensslVerdicts } from './openssl-requests.mjs';

const SEED = 1;
const COUNT = 3_000;
const OVER_HTTPS = 150;

describe('mutated requests', () => {
  it('are the same for the same seed, and differ for another', () => {
    const made = (seed: number) => [...mutatedRequests(99, seed)].map(({ der }) => der.toString('hex'));
    expect(made(SEED)).toEqual(made(SEED));
    expect(made(SEED)).not.toEqual(made(SEED + 1));
  });

  it('are refused with a known code, or accepted with the key that OpenSSL reads from them', async () => {
    const accepted = new Map<string, MutatedRequest & { readonly spkiDer: Uint8Array }>();
    const refused = { csr_invalid: 0, key_weak: 0 };
    for (const request of mutatedRequests(COUNT, SEED)) {
      const verdict = parseCertificateRequest(request.der);
      if ('invalid' in verdict) refused[verdict.invalid]++;
      else accepted.set(request.der.toString('base64'), { ...request, spkiDer: verdict.spkiDer });
    }
    // Few would mean that the mutations only ever reach the first check.
    expect(refused.csr_invalid).toBeGreaterThan(1_000);
    expect(refused.key_weak).toBeGreaterThan(20);
    const acceptedRequests = [...accepted.values()];
    expect(acceptedRequests.filter(({ kinds }) => kinds[0] === 'signed').length).toBeGreaterThan(30);

    const keys = await opensslVerdicts(acceptedRequests.map(({ der }) => der));
    const wrongly = acceptedRequests.filter(({ spkiDer }, index) => !keys[index]?.equals(spkiDer));
    expect(wrongly.map(({ from, kinds, der }) => `${from}, ${kinds}: ${der.toString('hex')}`)).toEqual([]);
  });
});

/** Length of the longest CSR header that is not refused with 431. */
const MAX_HEADERS = 16_000;

describe('a service that receives mutated requests', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.close());

  it('refuses a request or issues a certificate, and counts one use for each certificate', async () => {
    const { grant, code } = await service.storedGrant({
      redemptionsAllowed: OVER_HTTPS,
      policy: { keyTypes: ['p256', 'p384', 'rsa', 'ed25519'] },
    });
    const certificates = new Set<string>();
    for (const { der } of mutatedRequests(OVER_HTTPS, SEED + 1)) {
      if (der.length === 0) continue;
      const headers = { csr: der.toString('base64') };
      const answer = await post(service, `/${grant.uid}`, code, { headers });
      if (answer.status === 200) certificates.add(answer.body);
      else if (headers.csr.length > MAX_HEADERS) expect(answer.status).toBe(431);
      else {
        expect([answer.status, answer.body]).toEqual([400, 'Request body not valid\n']);
        expect(answer.headers['linkgrant-reason']).toMatch(/^(csr_invalid|key_weak)$/);
      }
    }
    expect(certificates.size).toBeGreaterThan(0);
    expect(await service.used(grant.uid)).toBe(certificates.size);
  });
});
