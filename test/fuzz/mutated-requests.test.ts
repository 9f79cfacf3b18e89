import { describe, expect, it } from 'vitest';
import { parseCertificateRequest } from '../../src/pki/requests.js';
import { type MutatedRequest, mutatedRequests } from './mutated-requests.mjs';
import { opensslVerdicts } from './openssl-requests.mjs';

const SEED = 1;
const COUNT = 3_000;

describe('mutated requests', () => {
  it('are refused with a known code, or accepted with the key that OpenSSL reads from them', async () => {
    const accepted = new Map<string, MutatedRequest & { readonly spkiDer: Uint8Array }>();
    const refused = { csr_invalid: 0, key_weak: 0 };
    for (const request of mutatedRequests(COUNT, SEED)) {
      const verdict = parseCertificateRequest(request.der);
      if ('invalid' in verdict) refused[verdict.invalid]++;
      else accepted.set(request.der.toString('base64'), { ...request, spkiDer: verdict.spkiDer });
    }
    // Smaller counts would mean that the mutations reach only the first check.
    expect(refused.csr_invalid).toBeGreaterThan(1_000);
    expect(refused.key_weak).toBeGreaterThan(20);
    const acceptedRequests = [...accepted.values()];
    expect(acceptedRequests.filter(({ kinds }) => kinds[0] === 'signed').length).toBeGreaterThan(30);

    const keys = await opensslVerdicts(acceptedRequests.map(({ der }) => der));
    const wrongly = acceptedRequests.filter(({ spkiDer }, index) => !keys[index]?.equals(spkiDer));
    expect(wrongly.map(({ from, kinds, der }) => `${from}, ${kinds}: ${der.toString('hex')}`)).toEqual([]);
  });
});
