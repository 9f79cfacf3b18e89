import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import type { Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { LeaderElection } from '../../../../../src/platforms/kubernetes/controller/leader-election.js';
import type { LeaseResource } from '../../../../../src/platforms/kubernetes/controller/lease-resource.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

fakeTimers();

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });

/** The Lease of an API server. Operations reject after `givesUpAfterMs` while the server is not reachable. */
class Lease {
  found: Stored<LeaseResource> | undefined;
  #version = 0;

  client(isReachable: () => boolean, givesUpAfterMs: number, firstFindMs: number) {
    let findMs = firstFindMs;
    const reached = async <T>(operation: () => T) => {
      if (isReachable()) return operation();
      return new Promise<T>((_resolve, reject) =>
        setTimeout(() => reject(new Error('no answer')), givesUpAfterMs),
      );
    };
    const put = ({ spec }: LeaseResource) => {
      this.#version += 1;
      const metadata = { name: 'l', uid: 'l', creationTimestamp: '', resourceVersion: String(this.#version) };
      this.found = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, ...(spec && { spec }) };
      return this.found;
    };
    return {
      find: async () => {
        if (findMs > 0) await new Promise((resolve) => setTimeout(resolve, findMs));
        findMs = 0;
        return reached(() => this.found);
      },
      create: (_kind: unknown, lease: LeaseResource) =>
        reached(() => {
          if (this.found) throw new ApiError('create', { reason: 'already_exists', status: 409 });
          return put(lease);
        }),
      replace: (_kind: unknown, lease: LeaseResource) =>
        reached(() => {
          const isChanged = lease.metadata.resourceVersion !== this.found?.metadata.resourceVersion;
          if (isChanged) throw new ApiError('replace', { reason: 'conflict', status: 409 });
          return put(lease);
        }),
    } as unknown as Pick<KubernetesClient, 'find' | 'create' | 'replace'>;
  }
}

/** A candidate process; `leading` contains its identity while it leads. */
function candidate(
  lease: Lease,
  identity: string,
  leading: string[],
  { skewMs = 0, givesUpAfterMs = 3_000, firstFindMs = 0 } = {},
) {
  const process = { isReachable: true, stop: new AbortController(), skewMs, reports: [] as boolean[] };
  const election = new LeaderElection({
    client: lease.client(() => process.isReachable, givesUpAfterMs, firstFindMs),
    lease: { namespace: 'linkgrant', name: 'l' },
    identity,
    clock: () => Date.now() + process.skewMs,
    wait,
    lead: async (signal) => {
      expect(election.isLeading).toBe(true);
      leading.push(identity);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      leading.splice(leading.indexOf(identity), 1);
    },
    onLeadingChange: (isLeading) => {
      // `lead` has ended before the process reports that it no longer leads.
      if (!isLeading) expect(leading).not.toContain(identity);
      process.reports.push(isLeading);
    },
    onFailure: () => {},
  });
  const ended = election.run(process.stop.signal);
  return { process, election, ended };
}

/** A Lease whose leader is the candidate `a`. */
async function withLeader(options?: { readonly givesUpAfterMs: number }) {
  const lease = new Lease();
  const leading: string[] = [];
  const a = candidate(lease, 'a', leading, options);
  await vi.advanceTimersByTimeAsync(0);
  return { lease, leading, a };
}

describe('leader election', () => {
  it('elects one of several, which leads for as long as it renews', async () => {
    const lease = new Lease();
    const leading: string[] = [];
    const all = ['a', 'b', 'c'].map((identity) => candidate(lease, identity, leading));
    await vi.advanceTimersByTimeAsync(0);
    expect(leading).toHaveLength(1);
    const [first] = leading;
    for (let second = 0; second < 60; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(leading).toEqual([first]);
    }
    expect(all.filter(({ election }) => election.isLeading)).toHaveLength(1);
    expect(lease.found?.spec?.leaseTransitions).toBe(0);
    expect(lease.found?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('elects another candidate at its next retry, before the Lease expires, when the leader stops', async () => {
    const { lease, leading, a } = await withLeader();
    candidate(lease, 'b', leading);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(leading).toEqual(['a']);
    a.process.stop.abort();
    await a.ended;
    expect(leading).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_400);
    expect(leading).toEqual(['b']);
    expect(lease.found?.spec?.leaseTransitions).toBe(1);
  });

  it('reports once when it begins to lead, and once when it has stopped', async () => {
    const { lease, leading, a } = await withLeader();
    const b = candidate(lease, 'b', leading);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([a.process.reports, b.process.reports]).toEqual([[true], []]);
    a.process.isReachable = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([a.process.reports, b.process.reports]).toEqual([[true, false], [true]]);
    b.process.stop.abort();
    await b.ended;
    expect(b.process.reports).toEqual([true, false]);
  });

  it('never has two leaders when the leader loses its connection, and elects another in the end', async () => {
    const { lease, leading, a } = await withLeader({ givesUpAfterMs: 60_000 });
    // A clock that is an hour off, in either direction, has no effect.
    candidate(lease, 'b', leading, { skewMs: 3_600_000 });
    candidate(lease, 'c', leading, { skewMs: -3_600_000 });
    await vi.advanceTimersByTimeAsync(10_000);
    a.process.isReachable = false;
    const seen = new Set<string>();
    for (let tick = 0; tick < 400; tick += 1) {
      await vi.advanceTimersByTimeAsync(100);
      expect(leading.length).toBeLessThanOrEqual(1);
      for (const identity of leading) seen.add(identity);
    }
    expect(leading).toHaveLength(1);
    expect(leading).not.toEqual(['a']);
    a.process.isReachable = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(leading).toHaveLength(1);
    expect(leading).not.toEqual(['a']);
  });

  it('never has two leaders when a candidate reads the Lease with a delay and the leader then loses its connection', async () => {
    const { lease, leading, a } = await withLeader({ givesUpAfterMs: 60_000 });
    candidate(lease, 'b', leading, { firstFindMs: 9_000 });
    await vi.advanceTimersByTimeAsync(9_000);
    a.process.isReachable = false;
    for (let tick = 0; tick < 250; tick += 1) {
      await vi.advanceTimersByTimeAsync(100);
      expect(leading.length).toBeLessThanOrEqual(1);
    }
    expect(leading).toEqual(['b']);
  });

  it.each([-3_600_000, 3_600_000])('never has two leaders while clocks jump by %d ms', async (jumpMs) => {
    const { lease, leading, a } = await withLeader({ givesUpAfterMs: 60_000 });
    const all = [a, candidate(lease, 'b', leading), candidate(lease, 'c', leading)];
    await vi.advanceTimersByTimeAsync(5_000);
    for (const { process } of all) process.skewMs += jumpMs;
    for (let tick = 0; tick < 100; tick += 1) {
      await vi.advanceTimersByTimeAsync(100);
      expect(leading).toEqual(['a']);
    }
    // A leader without a connection still stops before the next one starts, although all clocks jump again.
    a.process.isReachable = false;
    for (let tick = 0; tick < 250; tick += 1) {
      if (tick === 40) for (const { process } of all) process.skewMs += jumpMs;
      await vi.advanceTimersByTimeAsync(100);
      expect(leading.length).toBeLessThanOrEqual(1);
    }
    expect(leading).toHaveLength(1);
    expect(leading).not.toEqual(['a']);
  });

  it('lets the leader continue if the API server responds again before the renew deadline', async () => {
    const { lease, leading, a } = await withLeader();
    a.process.isReachable = false;
    await vi.advanceTimersByTimeAsync(6_000);
    a.process.isReachable = true;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(leading).toEqual(['a']);
    expect(lease.found?.spec?.leaseTransitions).toBe(0);
  });
});
