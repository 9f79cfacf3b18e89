import { describe, expect, it } from 'vitest';
import { parseCertificateRequest } from '../../src/pki/requests.js';
import { type MutatedRequest, mutatedRequests } from './mutated-requests.mjs';
import { opensslVerdicts } from './openssl-requests.mjs';

const MAX_PARSE_MS = 50;
const REQUESTS = [...mutatedRequests(3_000, 1)];

const descriptionOf = ({ from, kinds, der }: MutatedRequest) => `${from}, ${kinds}: ${der.toString('hex')}`;

describe('mutated requests', () => {
  it('are refused with a known code, or accepted with the key that OpenSSL reads from them', async () => {
    const accepted = new Map<string, MutatedRequest & { readonly spkiDer: Uint8Array }>();
    const refused = { csr_invalid: 0, key_weak: 0 };
    for (const request of REQUESTS) {
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
    expect(wrongly.map(descriptionOf)).toEqual([]);
  });

  it('need at most 50 ms of processor time each', () => {
    const isSlow = ({ der }: MutatedRequest) => {
      const started = process.cpuUsage();
      parseCertificateRequest(der);
      const { user, system } = process.cpuUsage(started);
      return (user + system) / 1_000 > MAX_PARSE_MS;
    };
    // Repeated, because other threads of the process, such as the garbage collector, are counted too.
    const slow = REQUESTS.filter((request) => [1, 2, 3, 4, 5].every(() => isSlow(request)));
    expect(slow.map(descriptionOf)).toEqual([]);
  });
});
