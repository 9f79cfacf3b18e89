import { type Api, client, dataOf, omitUndefined } from './client.js';

/** Reads all issuers. A site has few of them. */
export async function readIssuers(signal: AbortSignal): Promise<Api['Issuer'][]> {
  const issuers: Api['Issuer'][] = [];
  let cursor: string | undefined;
  do {
    const page = await dataOf(
      client.GET('/api/v1/issuers', {
        signal,
        params: { query: { limit: 500, ...omitUndefined({ cursor }) } },
      }),
    );
    issuers.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  // Issuers that sign links come first.
  return issuers.sort((a, b) => a.signs.localeCompare(b.signs));
}
