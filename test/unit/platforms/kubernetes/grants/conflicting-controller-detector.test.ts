import { expect, it } from 'vitest';
import { ConflictingControllerDetector } from '../../../../../src/platforms/kubernetes/grants/conflicting-controller-detector.js';
import { NOW } from '../../../../support/store-samples.js';

const OWN_URL = 'https://grants.example.com:9090/a-uid';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** An AccessGrant whose url another controller wrote; linkgrant stopped writing its status at `heldSince`, if that is set. */
function foreignGrant(heldSince?: number) {
  const condition = { type: 'ForeignController', status: 'True', reason: 'Rewritten', message: '' } as const;
  const lastTransitionTime = new Date(heldSince ?? 0).toISOString();
  return {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessGrant',
    metadata: {
      ...{ name: 'g', namespace: 'west', uid: 'a-uid', resourceVersion: '1', generation: 1 },
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    status: {
      url: 'https://skupper.example.com/x',
      conditions:
        heldSince === undefined ? [] : [{ ...condition, observedGeneration: 1, lastTransitionTime }],
    },
  };
}

/** Returns a detector that has detected another controller at `now`. */
function detectorSince(now: number): ConflictingControllerDetector {
  const detector = new ConflictingControllerDetector();
  const overwrite = () => {
    detector.recordWrite('a-uid', OWN_URL);
    return detector.hasForeignOwner(foreignGrant(), OWN_URL, now);
  };
  expect([1, 2, 3, 4].map(overwrite)).toEqual([false, false, false, true]);
  return detector;
}

const DETECTORS: readonly [string, (now: number) => ConflictingControllerDetector][] = [
  ['by this process', detectorSince],
  ['by an earlier process', () => new ConflictingControllerDetector()],
];

it.each(DETECTORS)(
  'a grant that another controller overwrites is written again ten minutes after that was detected %s',
  (_, detectorOf) => {
    const grant = foreignGrant(NOW);
    const detector = detectorOf(NOW);
    expect(detector.hasForeignOwner(grant, OWN_URL, NOW + 9 * MINUTE_MS)).toBe(true);
    expect(detector.hasForeignOwner(grant, OWN_URL, NOW + 10 * MINUTE_MS)).toBe(false);
  },
);

it.each(DETECTORS)(
  'a grant is written again within ten minutes if another controller was detected %s while the clock was a day ahead',
  (_, detectorOf) => {
    const grant = foreignGrant(NOW + DAY_MS);
    expect(detectorOf(NOW + DAY_MS).hasForeignOwner(grant, OWN_URL, NOW + 10 * MINUTE_MS)).toBe(false);
  },
);
