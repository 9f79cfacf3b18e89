import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { CONFIG_MAPS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { Informer } from '../../../../../src/platforms/kubernetes/controller/informer.js';

/** The answer of the API server to one request: these events, then the end or a failure. */
type Answer = {
  readonly request: string;
  readonly lastsMs?: number;
  readonly events?: readonly (readonly ['ADDED' | 'DELETED' | 'BOOKMARK', string, string?])[];
  readonly fails?: Error;
};

/** Runs an informer on an API server that returns one of `answers` for each request; stops it after the last one. */
async function runInformer(answers: readonly Answer[]) {
  const stop = new AbortController();
  const requests: string[] = [];
  const sinkCalls: string[] = [];
  const waits: number[] = [];
  const failures: unknown[] = [];
  let now = 1_000_000;
  const answer = (request: string): Answer => {
    requests.push(request);
    const next = answers[requests.length - 1];
    if (next && next.request !== request) throw new Error(`expected ${next.request}, got ${request}`);
    if (next) now += next.lastsMs ?? 0;
    if (requests.length > answers.length) stop.abort();
    stop.signal.throwIfAborted();
    return next as Answer;
  };
  const client = {
    async list() {
      const { events = [], fails } = answer('list');
      if (fails) throw fails;
      const [, resourceVersion = ''] = events[0] ?? [];
      return { resourceVersion, items: events.slice(1).map(([, , name]) => ({ metadata: { name } })) };
    },
    async *watch(_kind: unknown, selection: { readonly resourceVersion: string }) {
      const { events = [], fails } = answer(`watch ${selection.resourceVersion}`);
      for (const [type, resourceVersion, name] of events) {
        yield type === 'BOOKMARK'
          ? { type, resourceVersion }
          : { type, object: { metadata: { name, resourceVersion } } };
      }
      if (fails) throw fails;
    },
  } as unknown as Pick<KubernetesClient, 'list' | 'watch'>;
  const informer = new Informer({
    client,
    kind: CONFIG_MAPS,
    namespace: undefined,
    read: ({ metadata }: Stored<Resource>) => metadata.name,
    sink: {
      replace: (names) => sinkCalls.push(`= ${names.join(' ')}`),
      put: (name) => sinkCalls.push(`+ ${name}`),
      remove: (name) => sinkCalls.push(`- ${name}`),
    },
    clock: () => now,
    wait: async (ms) => {
      waits.push(ms);
    },
    onFailure: (error) => failures.push(error),
    backOff: { firstMs: 100, longestMs: 400 },
  });
  await informer.run(stop.signal);
  return { informer, requests: requests.slice(0, answers.length), sinkCalls, waits, failures, now };
}

const LISTED = {
  request: 'list',
  events: [
    ['BOOKMARK', '5'],
    ['ADDED', '', 'a'],
    ['ADDED', '', 'b'],
  ],
} as const satisfies Answer;

describe('the informer', () => {
  it('reports all existing objects, then each change, and resumes after a watch ended', async () => {
    const { sinkCalls, requests, waits, informer } = await runInformer([
      LISTED,
      {
        request: 'watch 5',
        lastsMs: 9_000,
        events: [
          ['ADDED', '6', 'c'],
          ['DELETED', '7', 'a'],
        ],
      },
      { request: 'watch 7', lastsMs: 9_000, events: [['BOOKMARK', '90']] },
      { request: 'watch 90', lastsMs: 9_000 },
    ]);
    expect(sinkCalls).toEqual(['= a b', '+ c', '- a']);
    expect(requests).toEqual(['list', 'watch 5', 'watch 7', 'watch 90']);
    expect(waits).toEqual([]);
    expect(informer.isSynced).toBe(true);
  });

  it('lists again when the API server no longer has the resource version', async () => {
    const { sinkCalls, failures } = await runInformer([
      LISTED,
      { request: 'watch 5', fails: new ApiError('watch', { reason: 'gone', status: 410 }) },
      {
        request: 'list',
        events: [
          ['BOOKMARK', '50'],
          ['ADDED', '', 'b'],
        ],
      },
      { request: 'watch 50', lastsMs: 9_000 },
    ]);
    expect(sinkCalls).toEqual(['= a b', '= b']);
    expect(failures).toHaveLength(1);
  });

  it('resumes a broken watch after its last event, and waits longer after each further failure', async () => {
    const cut = new Error('cut off in the middle of a line');
    const { requests, waits, failures, sinkCalls } = await runInformer([
      LISTED,
      { request: 'watch 5', events: [['ADDED', '6', 'c']], fails: cut },
      { request: 'watch 6', fails: new Error('500') },
      { request: 'watch 6', fails: new Error('500') },
      { request: 'watch 6', fails: new Error('500') },
      { request: 'watch 6', lastsMs: 9_000, events: [['ADDED', '8', 'd']] },
      { request: 'watch 8', fails: cut },
    ]);
    expect(sinkCalls).toEqual(['= a b', '+ c', '+ d']);
    expect(requests.at(-1)).toBe('watch 8');
    expect(failures).toHaveLength(5);
    const full = [100, 200, 400, 400, 100];
    expect(waits).toHaveLength(full.length);
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual((full[index] as number) / 2);
      expect(wait).toBeLessThanOrEqual(full[index] as number);
    }
  });

  it('lists again after five failed watches from the same resource version', async () => {
    const fails = new Error('504');
    const { requests } = await runInformer([
      LISTED,
      ...Array<Answer>(5).fill({ request: 'watch 5', fails }),
      { request: 'list', events: [['BOOKMARK', '2']] },
      { request: 'watch 2', lastsMs: 9_000 },
    ]);
    expect(requests.slice(-2)).toEqual(['list', 'watch 2']);
  });

  it('waits before it restarts a watch that ended at once', async () => {
    const { waits } = await runInformer([LISTED, { request: 'watch 5' }, { request: 'watch 5' }]);
    expect(waits).toHaveLength(2);
  });

  it("is not synced before the first list, and records the time of the server's last answer", async () => {
    const refused = await runInformer([{ request: 'list', fails: new Error('403') }]);
    expect(refused.informer.isSynced).toBe(false);
    expect(refused.informer.seenAt).toBe(Number.NEGATIVE_INFINITY);
    const failing = await runInformer([
      LISTED,
      { request: 'watch 5', lastsMs: 9_000, events: [['BOOKMARK', '7']] },
      { request: 'watch 7', lastsMs: 60_000, fails: new Error('timed out') },
    ]);
    expect(failing.informer.seenAt).toBe(failing.now - 60_000);
  });
});
