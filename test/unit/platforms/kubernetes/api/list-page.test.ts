import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import {
  type ApiRequest,
  noResponseError,
} from '../../../../../src/platforms/kubernetes/api/api-transport.js';
import { ACCESS_GRANTS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import { listPage, readListing } from '../../../../../src/platforms/kubernetes/api/list-page.js';

const MAX_BYTES = 20;

/**
 * An API server with objects of `sizes` bytes, which returns at most 20 bytes. It does not respond in time if a page has more
 * than `slowBytes`. Its list expires at `expiries` requests.
 */
function apiServer(
  sizes: readonly number[],
  { expiries = [] as readonly number[], slowBytes = Number.POSITIVE_INFINITY } = {},
) {
  const outcomes: ('page' | 'too_large' | 'gone' | 'late')[] = [];
  const send = async ({ path, description }: Omit<ApiRequest, 'signal'>) => {
    const query = new URL(path, 'https://api').searchParams;
    const [limit, start] = [Number(query.get('limit')), Number(query.get('continue') ?? 0)];
    const page = sizes.slice(start, start + limit);
    const isGone = start > 0 && expiries.includes(outcomes.length);
    const bytes = page.reduce((sum, size) => sum + size, 0);
    const isTooLarge = bytes > MAX_BYTES;
    const isLate = bytes > slowBytes;
    outcomes.push(isGone ? 'gone' : isLate ? 'late' : isTooLarge ? 'too_large' : 'page');
    if (isLate) throw noResponseError(description, new DOMException('late', 'TimeoutError'));
    if (isGone) throw new ApiError(description, { reason: 'gone', status: 410 });
    if (isTooLarge) throw new ApiError(description, { reason: 'too_large', status: 200 });
    const items = page.map((_, at) => start + at);
    return {
      items,
      metadata: { resourceVersion: '1', continue: start + limit < sizes.length ? String(start + limit) : '' },
    };
  };
  const client = {
    list: (kind: never, selection: object, page: object) => listPage(send, kind, selection, page),
  };
  const read = () => readListing(client as never, { kind: ACCESS_GRANTS }, (item: unknown) => item as number);
  const count = (outcome: (typeof outcomes)[number]) => outcomes.filter((one) => one === outcome).length;
  return { read, count };
}

it('a listing of large objects has at most as many pages that are too large as pages that fit', async () => {
  const server = apiServer(Array.from({ length: 1_000 }, () => 1));
  expect((await server.read()).items).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
  expect(server.count('page')).toBeLessThan(150);
  expect(server.count('too_large')).toBeLessThanOrEqual(server.count('page'));
});

it('after a few large objects, the pages of the small objects become large again', async () => {
  const sizes = [...Array.from({ length: 9 }, () => MAX_BYTES), ...Array.from({ length: 8_000 }, () => 0)];
  const server = apiServer(sizes);
  expect((await server.read()).items).toHaveLength(sizes.length);
  expect(server.count('page') + server.count('too_large')).toBeLessThan(60);
});

it('a listing is read to its end by an API server that cannot send a page of large objects in time', async () => {
  const sizes = Array.from({ length: 600 }, () => 2);
  const server = apiServer(sizes, { slowBytes: 100 });
  expect((await server.read()).items).toHaveLength(sizes.length);
  expect(server.count('late')).toBe(1);
});

it('a listing ends with the error of an API server that does not respond to a small page either', async () => {
  const server = apiServer([1], { slowBytes: 0 });
  await expect(server.read()).rejects.toMatchObject({ reason: 'unavailable' });
  expect(server.count('late')).toBe(2);
});

it('a listing starts again when the list expires, and returns each object once', async () => {
  const server = apiServer(
    Array.from({ length: 100 }, () => 1),
    { expiries: [6] },
  );
  expect((await server.read()).items).toEqual(Array.from({ length: 100 }, (_, at) => at));
  expect(server.count('gone')).toBe(1);
});

it('a listing whose list expires again and again ends with the error of the API server', async () => {
  const server = apiServer(
    Array.from({ length: 100 }, () => 1),
    { expiries: Array.from({ length: 1_000 }, (_, at) => at) },
  );
  await expect(server.read()).rejects.toMatchObject({ reason: 'gone' });
  expect(server.count('gone')).toBe(4);
});
