import { type Api, client, dataOf, readPages } from './client.js';

/** Reads all issuers. A site has few of them. */
export async function readIssuers(signal: AbortSignal): Promise<Api['Issuer'][]> {
  const issuers: Api['Issuer'][] = [];
  const pages = readPages((query) => dataOf(client.GET('/api/v1/issuers', { signal, params: { query } })));
  for await (const { items } of pages) issuers.push(...items);
  // Issuers that sign links come first.
  return issuers.sort((a, b) => a.signs.localeCompare(b.signs));
}
