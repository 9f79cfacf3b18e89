import { describe, expect, it } from 'vitest';
import { GRANT_REVOKED } from '../../../../../src/domain/labels.js';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import type { EventContent } from '../../../../../src/platforms/kubernetes/controller/pending-events.js';
import {
  type AccessGrantResource,
  type AccessGrantSpec,
  type AccessGrantStatus,
  readAccessGrant,
} from '../../../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { ConflictingControllerDetector } from '../../../../../src/platforms/kubernetes/grants/conflicting-controller-detector.js';
import {
  GrantReconciler,
  type GrantReconcilerDependencies,
} from '../../../../../src/platforms/kubernetes/grants/grant-reconciler.js';
import type { Site } from '../../../../../src/redemption/ports/site.js';

type Access = Awaited<ReturnType<Site['resolveAccess']>>;
type Endpoint = ReturnType<GrantReconcilerDependencies['serviceEndpoint']>;

const NO_SITE: Access = {
  refused: 'link_access_unavailable',
  reason: 'namespace "west" has no site',
  hint: 'create one',
};
const EDGE_SITE: Access = { refused: 'edge_site', reason: 'the site is an edge site', hint: 'use another' };
// The tests use only whether it is a refusal.
const ACCESS = { endpoints: [] } as unknown as Access;
const ENDPOINT = { url: 'https://grants.example.com:9090', ca: 'a CA' };
const FOREIGN_URL = 'https://skupper.example.com/x';

/** One AccessGrant, its reconciler, and the Events and takeovers that it reported. */
function reconciled(spec: AccessGrantSpec = {}) {
  let grant = {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessGrant',
    metadata: {
      ...{ name: 'g', namespace: 'west', uid: 'a-uid', resourceVersion: '1', generation: 1 },
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec,
  } as Stored<AccessGrantResource>;
  const surroundings: {
    access: Access | undefined;
    endpoint: Endpoint;
    used: number;
    isDeleted: boolean;
    failsToWrite: boolean;
    now: number;
    reads: number;
  } = {
    ...{ access: ACCESS, endpoint: ENDPOINT, used: 0, isDeleted: false, failsToWrite: false },
    now: Date.parse('2026-01-01T00:00:00Z'),
    reads: 0,
  };
  const forgotten: string[] = [];
  const events: EventContent[] = [];
  const takeovers: string[] = [];
  const setStatus = (status: AccessGrantStatus) => {
    grant = { ...grant, status: { ...grant.status, ...status } };
  };
  const reconciler = new GrantReconciler({
    client: {
      find: async () => {
        surroundings.reads += 1;
        return surroundings.isDeleted ? undefined : grant;
      },
      patch: async (_kind: unknown, _key: unknown, { status }: { readonly status: AccessGrantStatus }) => {
        if (surroundings.failsToWrite)
          throw new ApiError('patch accessgrants', { reason: 'unavailable', status: 429 });
        setStatus(status);
        return grant;
      },
    } as unknown as GrantReconcilerDependencies['client'],
    siteAccess: { accessOf: async () => surroundings.access, forget: (key) => forgotten.push(key) },
    conflicts: new ConflictingControllerDetector(),
    events: { record: (_subject, event) => events.push(event) },
    onTakeover: (key, url) => takeovers.push(`${key} ${url}`),
    countOf: () => surroundings.used,
    serviceEndpoint: () => surroundings.endpoint,
    clock: () => surroundings.now,
  });
  return {
    surroundings,
    takeovers,
    status: () => grant.status ?? {},
    revoke: () => {
      const annotations = { [GRANT_REVOKED]: '2026-01-01T00:00:00Z' };
      grant = { ...grant, metadata: { ...grant.metadata, annotations } };
    },
    forgotten,
    setStatus,
    change: (changed: AccessGrantSpec) => {
      grant = { ...grant, spec: { ...grant.spec, ...changed } };
    },
    reconcile: () => reconciler.reconcile('west/g'),
    /** Reconciles the grant; returns the Events of that run. */
    run: async () => {
      events.length = 0;
      await reconciler.reconcile('west/g');
      return events.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
    },
    condition: (wanted: string) => {
      const { status, reason, message } = grant.status?.conditions?.find(({ type }) => type === wanted) ?? {};
      return `${status} ${reason} ${message}`;
    },
    grant: () => readAccessGrant(grant).grant,
  };
}

describe('the Events of an AccessGrant', () => {
  it('are one warning for each reason why the grant is not Ready, and one Event when it is Ready', async () => {
    const { surroundings, run, change } = reconciled();
    surroundings.access = NO_SITE;
    const missing = 'Warning GrantNotReady namespace "west" has no site; create one';
    expect(await run()).toEqual([missing]);
    expect(await run()).toEqual([]);
    change({ expirationWindow: '3 days' });
    expect(await run()).toEqual([
      'Warning GrantNotReady Invalid duration "3 days": time: unknown unit " days" in duration "3 days"',
    ]);
    change({ expirationWindow: '1h' });
    expect(await run()).toEqual([missing]);
    surroundings.access = ACCESS;
    expect(await run()).toEqual(['Normal GrantReady The grant can be redeemed']);
    expect(await run()).toEqual([]);
  });

  it('are none for a grant that is Ready at once, and only GrantExhausted for an exhausted one', async () => {
    const { surroundings, run, change } = reconciled();
    expect(await run()).toEqual([]);
    surroundings.used = 1;
    expect(await run()).toEqual(['Normal GrantExhausted All allowed redemptions of the grant are used']);
    surroundings.access = NO_SITE;
    expect(await run()).toEqual([]);
    surroundings.access = ACCESS;
    change({ redemptionsAllowed: 2 });
    expect(await run()).toEqual(['Normal GrantReady The grant can be redeemed']);
  });

  it('report that the service does not know its own address yet', async () => {
    const { surroundings, run, grant } = reconciled();
    surroundings.endpoint = undefined;
    const reason = 'the service does not know its own address yet';
    expect(await run()).toEqual([`Warning GrantNotReady ${reason}`]);
    expect(grant().notReadyReason).toBe(reason);
  });

  it('report once that another controller overwrites the grant, and onTakeover is called once', async () => {
    const { run, setStatus, takeovers, grant } = reconciled();
    await run();
    const events: string[] = [];
    for (let rewrite = 0; rewrite < 4; rewrite += 1) {
      setStatus({ url: FOREIGN_URL });
      events.push(...(await run()));
    }
    expect(events).toEqual([
      expect.stringMatching(/^Warning ForeignController Another controller repeatedly overwrites the url/),
    ]);
    expect(takeovers).toEqual([`west/g ${FOREIGN_URL}`]);
    expect(grant().notReadyReason).toMatch(/^Another controller/);
    expect(await run()).toEqual([]);
    expect(takeovers).toHaveLength(1);
  });

  it('report no other controller if the URL of the service changes while status writes fail', async () => {
    const { surroundings, run, takeovers, status } = reconciled();
    await run();
    surroundings.endpoint = { ...ENDPOINT, url: 'https://new.example.com' };
    surroundings.failsToWrite = true;
    for (let retry = 0; retry < 4; retry += 1) await expect(run()).rejects.toThrow('HTTP 429');
    surroundings.failsToWrite = false;
    expect(await run()).toEqual([]);
    expect(takeovers).toEqual([]);
    expect(status().url).toBe('https://new.example.com/a-uid');
  });
});

describe('an AccessGrant', () => {
  it.each([-1, 1_000_001])(
    'is not processed, and has no expiry, if it requests %d redemptions',
    async (redemptionsAllowed) => {
      const { run, condition, grant } = reconciled({ redemptionsAllowed });
      const problem = 'redemptions allowed must be a whole number from 1 to 1000000';
      expect(await run()).toEqual([`Warning GrantNotReady ${problem}`]);
      expect(condition('Processed')).toBe(`False Error ${problem}`);
      expect(condition('Ready')).toBe(`False Error ${problem}`);
      expect(condition('Exhausted')).toBe('undefined undefined undefined');
      expect(grant()).toMatchObject({ expirationTime: null, notReadyReason: problem });
    },
  );

  it.each([
    ['while the access to its site is unknown', false],
    ['after it was revoked', true],
  ])('of an edge site stays not processed, without code and expiry, %s', async (_when, isRevoked) => {
    const { surroundings, run, condition, grant, revoke, status } = reconciled();
    surroundings.access = EDGE_SITE;
    const refused = 'False Error Edge sites cannot accept incoming links from remote sites';
    expect(await run()).toEqual([
      'Warning GrantNotReady Edge sites cannot accept incoming links from remote sites',
    ]);
    surroundings.access = undefined;
    if (isRevoked) revoke();
    expect(await run()).not.toContainEqual(expect.stringContaining('GrantReady'));
    expect(condition('Processed')).toBe(refused);
    expect(condition('Ready')).toMatch(/^False/);
    expect(grant().expirationTime).toBeNull();
    expect(status().code).toBeUndefined();
    surroundings.access = ACCESS;
    await run();
    expect(condition('Ready')).toMatch(isRevoked ? /^False Revoked/ : /^True/);
  });

  it('has no cached access to its site after it was deleted during its reconciliation', async () => {
    const { surroundings, run, forgotten } = reconciled();
    await run();
    expect(forgotten).toEqual([]);
    surroundings.isDeleted = true;
    await run();
    expect(forgotten).toEqual(['west/g']);
  });

  it('has the reason of its invalid spec before its conditions are written, and none once it is Ready', async () => {
    const { surroundings, run, change, grant } = reconciled();
    expect(grant().notReadyReason).toBeUndefined();
    surroundings.access = NO_SITE;
    await run();
    expect(grant().notReadyReason).toBe('namespace "west" has no site; create one');
    change({ code: 'short' });
    expect(grant().notReadyReason).toBe('the code must have at least 16 characters');
    change({ code: 'a-long-enough-code-1x' });
    surroundings.access = ACCESS;
    await run();
    expect(grant().notReadyReason).toBeUndefined();
  });

  it.each([
    ['without a status', false],
    ['that is Ready', true],
  ])('%s is parsed once when it is reconciled', async (_state, isReady) => {
    let parsed = 0;
    // Not enumerable, so that only the parser of the rules reads it.
    const spec = Object.defineProperty({}, 'settings', {
      get() {
        parsed += 1;
        return { 'linkgrant/subjects': 'site-1' };
      },
    });
    const { run, condition } = reconciled(spec);
    if (isReady) await run();
    parsed = 0;
    await run();
    expect(condition('Ready')).toMatch(/^True/);
    expect(parsed).toBe(1);
  });

  it('that is too large is read once in 30 seconds, however often it changes, and its status has the reason', async () => {
    const { surroundings, run, change, condition } = reconciled();
    change({ settings: { 'example.com/long': 'x'.repeat(600_000) } });
    for (let second = 0; second < 30; second += 1) {
      await run();
      surroundings.now += 1_000;
    }
    expect(surroundings.reads).toBe(1);
    expect(condition('Ready')).toMatch(/^False Error the AccessGrant has more than 512 KiB/);
    change({ settings: {} });
    await run();
    expect(surroundings.reads).toBe(2);
    expect(condition('Ready')).toMatch(/^True/);
    await run();
    expect(surroundings.reads).toBe(3);
  });

  it('that is too large is reconciled 30 seconds after it was read if it was changed meanwhile', async () => {
    const { surroundings, reconcile, change } = reconciled();
    change({ settings: { 'example.com/long': 'x'.repeat(600_000) } });
    expect(await reconcile()).toBe('settled');
    surroundings.now += 12_000;
    expect(await reconcile()).toEqual({ requeueAfterMs: 18_000 });
    surroundings.now += 18_000;
    expect(await reconcile()).toBe('settled');
    // The clock is set back.
    surroundings.now -= 3_600_000;
    expect(await reconcile()).toBe('settled');
    expect(surroundings.reads).toBe(3);
  });
});
