import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { ApiRequest } from '../../../../../src/platforms/kubernetes/api/api-transport.js';
import { ACCESS_GRANTS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import { listPage, readListing } from '../../../../../src/platforms/kubernetes/api/list-page.js';

it('a listing of large objects retains the size of its pages, also after the list has expired', async () => {
  const limits: number[] = [];
  let expires = 3;
  /** An API server with 100 objects, of which more than 20 are too large for a response. The list expires once. */
  const send = async ({ path, description }: Omit<ApiRequest, 'signal'>) => {
    const query = new URL(path, 'https://api').searchParams;
    const [limit, start] = [Number(query.get('limit')), Number(query.get('continue') ?? 0)];
    limits.push(limit);
    if (limit > 20) throw new ApiError(description, { reason: 'too_large', status: 200 });
    if (start > 0 && expires-- === 1) throw new ApiError(description, { reason: 'gone', status: 410 });
    const items = Array.from({ length: Math.min(limit, 100 - start) }, (_, at) => start + at);
    const next = start + limit < 100 ? String(start + limit) : '';
    return { items, metadata: { resourceVersion: '1', continue: next } };
  };
  const client = {
    list: (kind: never, selection: object, page: object) => listPage(send, kind, selection, page),
  };
  const read = (item: unknown) => item as number;
  const { items } = await readListing(client as never, { kind: ACCESS_GRANTS }, read);
  expect(items).toEqual(Array.from({ length: 100 }, (_, at) => at));
  expect(limits.filter((limit) => limit > 20)).toEqual([500, 63]);
});
