import { describe, expect, it, vi } from 'vitest';
import { EventRecorder } from '../../../../../src/platforms/kubernetes/controller/event-recorder.js';
import { eventClient } from '../../../../support/event-client.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

const SUBJECT = { namespace: 'west', name: 'a', uid: 'u' };
const redeemedBy = (subject: string) =>
  ({ type: 'Normal', reason: 'Redeemed', message: `by ${subject}` }) as const;

/** A cluster that stores Events, and the recorders of its replicas. */
function recording() {
  const { client, events } = eventClient();
  // Each write of an Event begins with one `find`.
  const write = vi.spyOn(client, 'find');
  const failures: unknown[] = [];
  const clock = Date.now;
  return {
    write,
    failures,
    replica: () =>
      new EventRecorder({ client, instance: 'i', clock, onFailure: (error) => failures.push(error) }),
    events: () => [...events.values()],
    texts: () => [...events.values()].map(({ message, count }) => `${count} ${message}`),
    pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
  };
}

fakeTimers('setTimeout', 'Date');

describe('Events', () => {
  it('of all replicas with the same grant and reason are one Event, with their count and the newest message', async () => {
    const { replica, events, pass } = recording();
    const [one, another] = [replica(), replica()];
    vi.setSystemTime('2026-01-01T00:00:00Z');
    one.record(SUBJECT, redeemedBy('east'));
    await pass(60_000);
    another.record(SUBJECT, redeemedBy('west'));
    await pass(60_000);
    one.record(SUBJECT, redeemedBy('north'));
    await pass(0);
    expect(events()).toMatchObject([
      {
        count: 3,
        message: 'by north',
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:02:00Z',
      },
    ]);
    one.record({ ...SUBJECT, uid: 'v' }, redeemedBy('south'));
    one.record(SUBJECT, { ...redeemedBy('south'), reason: 'GrantExhausted' });
    await pass(1_000);
    expect(events()).toHaveLength(3);
  });

  it('are at most four a second, warnings first', async () => {
    const { replica, texts, pass } = recording();
    const recorder = replica();
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
  });

  it('of a namespace are not delayed by thousands of warnings in another', async () => {
    const { replica, events, pass } = recording();
    const recorder = replica();
    const flood = (namespace: string) => {
      for (let grant = 0; grant < 1_800; grant += 1) {
        const warning = { type: 'Warning', reason: 'GrantNotReady', message: 'no site' } as const;
        recorder.record({ namespace, name: 'a', uid: `${namespace}-${grant}` }, warning);
      }
    };
    flood('west');
    flood('south');
    await pass(10_000);
    for (const namespace of ['east', 'north'])
      recorder.record({ ...SUBJECT, namespace, uid: namespace }, redeemedBy(namespace));
    await pass(1_000);
    const written = events().map(({ metadata }) => metadata.namespace);
    expect(written.filter((namespace) => namespace === 'east' || namespace === 'north').sort()).toEqual([
      'east',
      'north',
    ]);
  });

  it('of a namespace are not dropped for those of another', async () => {
    const { replica, events, pass } = recording();
    const recorder = replica();
    const record = (namespace: string, count: number) => {
      for (let grant = 0; grant < count; grant += 1)
        recorder.record({ namespace, name: 'a', uid: `${namespace}-${grant}` }, redeemedBy('a'));
    };
    // The first ones would be dropped first if the oldest were.
    record('east', 4);
    record('west', 6_000);
    record('north', 4);
    record('south', 5_500);
    await pass(7_000);
    const written = events().map(({ metadata }) => metadata.namespace);
    const count = (namespace: string) => written.filter((one) => one === namespace).length;
    expect([count('east'), count('north')]).toEqual([4, 4]);
    expect([count('west'), count('south')].every((one) => one > 8)).toBe(true);
    // 5,000 at most are retained.
    await pass(4_000_000);
    expect(events().length).toBeLessThanOrEqual(5_001);
    expect(events().length).toBeGreaterThan(4_990);
  });

  it('of a grant that is redeemed all the time are written every ten seconds, and delay no other Event', async () => {
    const { replica, texts, write, pass } = recording();
    const recorder = replica();
    for (let use = 1; use <= 1_000; use += 1) {
      recorder.record(SUBJECT, redeemedBy(`site-${use}`));
      await pass(19);
    }
    expect(write).toHaveBeenCalledTimes(2);
    recorder.record({ ...SUBJECT, uid: 'v' }, redeemedBy('west'));
    await pass(250);
    expect(texts()[1]).toBe('1 by west');
    await pass(10_000);
    expect(texts()[0]).toBe('1000 by site-1000');
    expect(write).toHaveBeenCalledTimes(4);
  });

  it('that cannot be written are reported, and prevent no later Event', async () => {
    const { replica, texts, failures, write, pass } = recording();
    const recorder = replica();
    const error = new Error('no answer');
    write.mockRejectedValueOnce(error);
    recorder.record(SUBJECT, redeemedBy('east'));
    await pass(250);
    expect(failures).toEqual([error]);
    recorder.record(SUBJECT, redeemedBy('west'));
    await pass(10_000);
    expect(texts()).toEqual(['1 by west']);
  });

  it('that are not written yet are discarded by close', async () => {
    const { replica, texts, pass } = recording();
    const recorder = replica();
    for (const uid of ['u', 'v']) recorder.record({ ...SUBJECT, uid }, redeemedBy('east'));
    recorder.close();
    recorder.record({ ...SUBJECT, uid: 'w' }, redeemedBy('east'));
    await pass(60_000);
    expect(texts()).toEqual(['1 by east']);
  });
});
