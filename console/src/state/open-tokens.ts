import { type Api, client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { useResource } from './resource.js';

/** The open tokens of all grants, at most a page of them; empty until they are read. */
export function useOpenTokens(): readonly Api['Token'][] {
  const query = { state: 'ready', limit: LARGEST_PAGE } as const;
  const { data } = useResource(
    'open-tokens',
    (signal) => dataOf(client.GET('/api/v1/tokens', { signal, params: { query } })),
    ['grants', 'ledger', 'links'],
  );
  return data?.items ?? [];
}
