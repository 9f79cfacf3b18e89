import { type Api, client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { useResource } from './resource.js';

/** Reads the first page of the open tokens of all grants. */
export function readOpenTokens(signal: AbortSignal) {
  const query = { state: 'ready', limit: LARGEST_PAGE } as const;
  return dataOf(client.GET('/api/v1/tokens', { signal, params: { query } }));
}

/** The first page of the open tokens of all grants; empty until they are read. */
export function useOpenTokens(): readonly Api['Token'][] {
  const { data } = useResource('open-tokens', readOpenTokens, ['grants', 'ledger', 'links']);
  return data?.items ?? [];
}
