import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_TOKENS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';
import {
  type AccessTokenResource,
  redeemedCondition,
  type TokenState,
  tokenStatus,
} from './access-token-resource.js';

interface StatusDependencies {
  readonly client: Pick<KubernetesClient, 'find' | 'patch'>;
  readonly clock: Clock;
}

/** The owner of the namespace has not granted the permissions, so its tokens are not processed. */
export class NamespaceNotServedError extends Error {
  override readonly name = 'NamespaceNotServedError';
}

/**
 * Writes the state of a token into its status. Writes nothing if the status is up to date, the token was deleted or its spec has
 * changed. Other fields of the status are retained. Rejects with ApiError, or with NamespaceNotServedError if the write is
 * forbidden and the reason of the state is not `Ready`.
 */
export async function writeTokenStatus(
  token: Stored<AccessTokenResource>,
  state: TokenState,
  deps: StatusDependencies,
): Promise<void> {
  let isFirst = true;
  await retryOnConflict(async () => {
    const current = isFirst ? token : await findAgain(token, deps);
    isFirst = false;
    if (current) await writeOnce(current, state, deps);
  });
}

async function writeOnce(
  token: Stored<AccessTokenResource>,
  state: TokenState,
  { client, clock }: StatusDependencies,
): Promise<void> {
  // Another controller has redeemed it meanwhile.
  if (!state.redeemed && redeemedCondition(token)?.status === 'True') return;
  const status = tokenStatus(token, state, clock());
  if (!status) return;
  const { namespace = '', name, uid, resourceVersion } = token.metadata;
  const patch = { metadata: { uid, resourceVersion }, status };
  try {
    await client.patch(ACCESS_TOKENS, { namespace, name }, patch, { subresource: 'status' });
  } catch (error) {
    if (isApiError(error, 'not_found')) return;
    if (state.reason !== 'Ready' && isApiError(error, 'forbidden')) throw new NamespaceNotServedError();
    throw error;
  }
}

/** Returns the newest version of a token; undefined if it was deleted or its spec has changed. */
async function findAgain(
  { metadata }: Stored<AccessTokenResource>,
  { client }: StatusDependencies,
): Promise<Stored<AccessTokenResource> | undefined> {
  const { namespace = '', name, uid, generation } = metadata;
  const found = await client.find<AccessTokenResource>(ACCESS_TOKENS, { namespace, name });
  return found?.metadata.uid === uid && found.metadata.generation === generation ? found : undefined;
}
