import { type Api, client, dataOf, omitUndefined, pageWithItems } from './client.js';

interface LinkQuery {
  /** SHA-256 of the CA that signed their newest certificates. */
  readonly signedBy?: string;
  readonly grantUid?: string;
  readonly renewalRefused?: 'true';
  readonly limit: number;
}

/** Reads the newest links that match a query: the first page that has any. */
export function readLinks(query: LinkQuery, signal: AbortSignal): Promise<Api['LinkPage']> {
  return pageWithItems(undefined, (cursor) => {
    const params = { query: { ...query, ...omitUndefined({ cursor }) } };
    return dataOf(client.GET('/api/v1/links', { signal, params }));
  });
}
