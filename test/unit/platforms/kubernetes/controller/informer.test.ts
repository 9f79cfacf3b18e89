import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { Informer, type ObjectEvent } from '../../../../../src/platforms/kubernetes/controller/informer.js';

interface Thing {
  readonly name: string;
}

/** What the API server does at one request: tells these and ends, or tells these and fails. */
type Answer = {
  readonly request: string;
  readonly lasts?: number;
  readonly tells?: readonly (readonly ['put' | 'remove' | 'bookmark', string, string?])[];
  readonly fails?: Error;
};

/** An informer on an API server that answers as told, one answer a request, and is stopped after the last one. */
async function informed(answers: readonly Answer[]) {
  const stop = new AbortController();
  const requests: string[] = [];
  const told: string[] = [];
  const waits: number[] = [];
  const failures: unknown[] = [];
  let now = 1_000_000;
  const answer = (request: string): Answer => {
    requests.push(request);
    const next = answers[requests.length - 1];
    if (next && next.request !== request) throw new Error(`${request} was asked, not ${next.request}`);
    if (next) now += next.lasts ?? 0;
    if (requests.length > answers.length) stop.abort();
    stop.signal.throwIfAborted();
    return next as Answer;
  };
  const informer = new Informer<Thing>({
    source: {
      async list() {
        const { tells = [], fails } = answer('list');
        if (fails) throw fails;
        const [, resourceVersion = ''] = tells[0] ?? [];
        return { resourceVersion, items: tells.slice(1).map(([, , name = '']) => ({ name })) };
      },
      async *watch(resourceVersion): AsyncGenerator<ObjectEvent<Thing>> {
        const { tells = [], fails } = answer(`watch ${resourceVersion}`);
        for (const [type, version, name = ''] of tells) {
          yield type === 'bookmark'
            ? { type, resourceVersion: version }
            : { type, object: { name }, resourceVersion: version };
        }
        if (fails) throw fails;
      },
    },
    sink: {
      replace: (things) => told.push(`= ${things.map(({ name }) => name).join(' ')}`),
      put: ({ name }) => told.push(`+ ${name}`),
      remove: ({ name }) => told.push(`- ${name}`),
    },
    clock: () => now,
    wait: async (ms) => {
      waits.push(ms);
    },
    onFailure: (error) => failures.push(error),
    backOff: { firstMs: 100, longestMs: 400 },
  });
  await informer.run(stop.signal);
  return { informer, requests: requests.slice(0, answers.length), told, waits, failures, now };
}

const LISTED = {
  request: 'list',
  tells: [
    ['bookmark', '5'],
    ['put', '', 'a'],
    ['put', '', 'b'],
  ],
} as const satisfies Answer;

describe('the informer', () => {
  it('reports all existing objects, then each change, and resumes after a watch ended', async () => {
    const { told, requests, waits, informer } = await informed([
      LISTED,
      {
        request: 'watch 5',
        lasts: 9_000,
        tells: [
          ['put', '6', 'c'],
          ['remove', '7', 'a'],
        ],
      },
      { request: 'watch 7', lasts: 9_000, tells: [['bookmark', '90']] },
      { request: 'watch 90', lasts: 9_000 },
    ]);
    expect(told).toEqual(['= a b', '+ c', '- a']);
    expect(requests).toEqual(['list', 'watch 5', 'watch 7', 'watch 90']);
    expect(waits).toEqual([]);
    expect(informer.isSynced).toBe(true);
  });

  it('lists again when the server has forgotten the version', async () => {
    const { told, failures } = await informed([
      LISTED,
      { request: 'watch 5', fails: new ApiError('watch', { reason: 'gone', status: 410 }) },
      {
        request: 'list',
        tells: [
          ['bookmark', '50'],
          ['put', '', 'b'],
        ],
      },
      { request: 'watch 50', lasts: 9_000 },
    ]);
    expect(told).toEqual(['= a b', '= b']);
    expect(failures).toHaveLength(1);
  });

  it('resumes after a broken watch with the objects reported before, and waits longer each time', async () => {
    const cut = new Error('cut off in the middle of a line');
    const { requests, waits, failures, told } = await informed([
      LISTED,
      { request: 'watch 5', tells: [['put', '6', 'c']], fails: cut },
      { request: 'watch 6', fails: new Error('500') },
      { request: 'watch 6', fails: new Error('500') },
      { request: 'watch 6', fails: new Error('500') },
      { request: 'watch 6', lasts: 9_000, tells: [['put', '8', 'd']] },
      { request: 'watch 8', fails: cut },
    ]);
    expect(told).toEqual(['= a b', '+ c', '+ d']);
    expect(requests.at(-1)).toBe('watch 8');
    expect(failures).toHaveLength(5);
    const full = [100, 200, 400, 400, 100];
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual((full[index] as number) / 2);
      expect(wait).toBeLessThanOrEqual(full[index] as number);
    }
  });

  it('lists again after a while if the server does not resume from a version and gives no reason', async () => {
    const fails = new Error('504');
    const { requests } = await informed([
      LISTED,
      ...Array<Answer>(5).fill({ request: 'watch 5', fails }),
      { request: 'list', tells: [['bookmark', '2']] },
      { request: 'watch 2', lasts: 9_000 },
    ]);
    expect(requests.slice(-2)).toEqual(['list', 'watch 2']);
  });

  it('does not restart a watch at once that ends at once', async () => {
    const { waits } = await informed([LISTED, { request: 'watch 5' }, { request: 'watch 5' }]);
    expect(waits).toHaveLength(2);
  });

  it("is not synced before the first list, and has the time of the server's last event", async () => {
    const refused = await informed([{ request: 'list', fails: new Error('403') }]);
    expect(refused.informer.isSynced).toBe(false);
    expect(refused.informer.seenAt).toBe(Number.NEGATIVE_INFINITY);
    const failing = await informed([
      LISTED,
      { request: 'watch 5', lasts: 9_000, tells: [['bookmark', '7']] },
      { request: 'watch 7', lasts: 60_000, fails: new Error('timed out') },
    ]);
    expect(failing.informer.seenAt).toBe(failing.now - 60_000);
  });
});
