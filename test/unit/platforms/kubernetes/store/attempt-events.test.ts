import { afterEach, expect, it, vi } from 'vitest';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import type { ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import type { EventResource } from '../../../../../src/platforms/kubernetes/controller/event-recorder.js';
import { AttemptEvents } from '../../../../../src/platforms/kubernetes/store/attempt-events.js';
import { eventClient } from '../../../../support/event-client.js';
import { NOW } from '../../../../support/store-samples.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Adds an attempt with a subject to the attempts of one grant. */
function refuse(attempts: AttemptEvents, subject: string): Promise<void> {
  const grant = { uid: 'a-uid', namespace: 'west', name: 'g' };
  const key = { grantUid: grant.uid, code: 'policy_subject', name: 'a', subject, peer: '192.0.2.1' } as const;
  return attempts.add(grant, key, NOW, null);
}

it('attempts get rows of their own again after the cluster has deleted the Events of the earlier ones', async () => {
  const { client, events } = eventClient();
  let elapsedMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => elapsedMs);
  const attempts = new AttemptEvents(client);
  const subjects = () =>
    [...events.values()].map(
      ({ metadata }) => JSON.parse(metadata.annotations?.['linkgrant.dev/attempt'] ?? '').subject,
    );
  for (let number = 0; number < 950; number += 1) await refuse(attempts, `first ${number}`);
  await refuse(attempts, 'too many');
  expect(events.size).toBe(951);
  expect(subjects()).not.toContain('too many');
  events.clear();
  elapsedMs += 3_600_000;
  await refuse(attempts, 'later');
  expect(subjects()).toEqual(['later']);
});

it('attempts get no more rows than the limit while the API server stores no Event for a long time', async () => {
  const { client, events } = eventClient();
  let store = (): void => undefined;
  const stored = new Promise<void>((resolve) => {
    store = resolve;
  });
  const create = async (kind: ResourceKind, event: EventResource) => {
    await stored;
    return client.create(kind, event);
  };
  const attempts = new AttemptEvents({ ...client, create } as KubernetesClient);
  const added: Promise<void>[] = [];
  for (let number = 0; number < 4_000; number += 1) {
    added.push(refuse(attempts, `subject ${number}`));
    if (number % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  store();
  await Promise.all(added);
  expect(events.size).toBe(951);
  const counts = [...events.values()].map(({ count }) => count);
  expect(counts.reduce((sum, count) => sum + count)).toBe(4_000);
});

it('an Event of equal attempts has the id of the token of the last one', async () => {
  const { client, events } = eventClient();
  const attempts = new AttemptEvents(client);
  const written = () =>
    [...events.values()].map(({ metadata, count }) => [
      JSON.parse(metadata.annotations?.['linkgrant.dev/attempt'] ?? '').jti,
      count,
    ]);
  const grant = { uid: 'a-uid', namespace: 'west', name: 'g' };
  const key = { grantUid: grant.uid, code: 'code_expired', name: 'a', subject: 's', peer: '192.0.2.1' };
  await attempts.add(grant, { ...key, jti: 'j2' }, NOW + 1, null);
  await attempts.add(grant, { ...key, jti: 'j1' }, NOW, null);
  expect(written()).toEqual([['j2', 2]]);
  await attempts.add(grant, key, NOW + 2, null);
  expect(written()).toEqual([[null, 3]]);
});
