import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_TOKENS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import {
  type AccessTokenResource,
  redeemedCondition,
  type TokenState,
  tokenStatus,
} from './access-token-resource.js';

/** The owner of the namespace has not granted the permissions, so its tokens are not processed. */
export class NotServed extends Error {
  override readonly name = 'NotServed';
}

const MAX_TRIES = 10;

/** Writes the states of AccessTokens into their status. */
export class TokenStatusWriter {
  readonly #client: Pick<KubernetesClient, 'find' | 'patch'>;
  readonly #clock: Clock;

  constructor(client: Pick<KubernetesClient, 'find' | 'patch'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Writes the state of a token. Writes nothing if the status is up to date, the token was deleted or its spec has changed.
   * Other fields of the status are retained. Rejects with ApiError, and with NotServed if the write is forbidden and no link
   * is in place.
   */
  async write(token: Stored<AccessTokenResource>, state: TokenState): Promise<void> {
    const { namespace = '', name, uid, generation } = token.metadata;
    const key = { namespace, name };
    let current = token;
    for (let tries = 1; ; tries += 1) {
      // Another controller has redeemed it meanwhile.
      if (!state.redeemed && redeemedCondition(current)?.status === 'True') return;
      const status = tokenStatus(current, state, this.#clock());
      if (!status) return;
      try {
        const patch = { metadata: { uid, resourceVersion: current.metadata.resourceVersion }, status };
        await this.#client.patch(ACCESS_TOKENS, key, patch, { subresource: 'status' });
        return;
      } catch (error) {
        if (isApiError(error, 'not_found')) return;
        if (state.reason !== 'Ready' && isApiError(error, 'forbidden')) throw new NotServed();
        if (!isApiError(error, 'conflict') || tries === MAX_TRIES) throw error;
      }
      const found = await this.#client.find<AccessTokenResource>(ACCESS_TOKENS, key);
      if (found?.metadata.uid !== uid || found.metadata.generation !== generation) return;
      current = found;
    }
  }
}
