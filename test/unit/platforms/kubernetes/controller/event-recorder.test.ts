import { describe, expect, it, vi } from 'vitest';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import type { Resource, Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { EventRecorder } from '../../../../../src/platforms/kubernetes/controller/event-recorder.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

type Written = Resource & { readonly message?: string; readonly count: number };

const SUBJECT = { namespace: 'west', name: 'a', uid: 'u' };
const redeemedBy = (subject: string) =>
  ({ type: 'Normal', reason: 'Redeemed', message: `by ${subject}` }) as const;

/** A recorder, and the current state of every Event that it wrote. */
function recording() {
  const events = new Map<string, Written>();
  let writes = 0;
  let now = 0;
  const client = {
    async create(_kind: unknown, event: Written) {
      writes += 1;
      events.set(event.metadata.name, event);
      return event as unknown as Stored<Resource>;
    },
    async patch(_kind: unknown, { name }: { readonly name: string }, patch: object) {
      writes += 1;
      events.set(name, { ...(events.get(name) as Written), ...patch });
      return {} as Stored<Resource>;
    },
  } as unknown as Pick<KubernetesClient, 'create' | 'patch'>;
  const recorder = new EventRecorder({ client, instance: 'i', clock: () => now, onFailure: () => undefined });
  return {
    recorder,
    texts: () => [...events.values()].map(({ message, count }) => `${count} ${message}`),
    writes: () => writes,
    pass: async (ms: number) => {
      now += ms;
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
}

fakeTimers('setTimeout', 'clearTimeout');

describe('Events', () => {
  it('with the same text are one Event, which is written at once and later gets their count', async () => {
    const { recorder, texts, writes, pass } = recording();
    for (let time = 0; time < 5; time += 1) recorder.record(SUBJECT, redeemedBy('east'));
    await pass(0);
    expect(texts()).toEqual(['1 by east']);
    await pass(10_000);
    expect(texts()).toEqual(['5 by east']);
    expect(writes()).toBe(2);
  });

  it('are at most four a second, warnings first', async () => {
    const { recorder, texts, pass } = recording();
    for (let use = 0; use < 30; use += 1)
      recorder.record({ ...SUBJECT, uid: `${use}` }, redeemedBy(`${use}`));
    recorder.record(SUBJECT, { type: 'Warning', reason: 'Bad', message: 'it is bad' });
    await pass(0);
    expect(texts()).toEqual(['1 by 0']);
    await pass(250);
    expect(texts()).toEqual(['1 by 0', '1 it is bad']);
    await pass(750);
    expect(texts()).toHaveLength(5);
    await pass(6_500);
    expect(texts().at(-1)).toBe('1 by 29');
    recorder.close();
  });

  it('are at most eleven for a grant and reason in ten minutes: ten different texts, and a count of the rest', async () => {
    const { recorder, texts, writes, pass } = recording();
    for (let use = 0; use < 1_000; use += 1) {
      recorder.record(SUBJECT, redeemedBy(`site-${use}`));
      await pass(1);
    }
    recorder.record({ ...SUBJECT, uid: 'v' }, redeemedBy('west'));
    await pass(20_000);
    const all = texts();
    expect(all.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, use) => `1 by site-${use}`));
    expect(all.slice(10)).toEqual([
      '990 further occurrences of Redeemed with different messages are only counted here',
      '1 by west',
    ]);
    expect(writes()).toBe(13);
    // After ten minutes a new text is written as an Event again.
    await pass(600_000);
    recorder.record(SUBJECT, redeemedBy('late'));
    await pass(0);
    expect(texts().at(-1)).toBe('1 by late');
  });
});
