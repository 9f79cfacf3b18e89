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

/** The owner of the namespace has not let us in: nothing there is ours to do. */
export class NotServed extends Error {
  override readonly name = 'NotServed';
}

const MOST_TRIES = 10;

/** Writes what is to be said of AccessTokens into their status. */
export class TokenStatusWriter {
  readonly #client: Pick<KubernetesClient, 'find' | 'patch'>;
  readonly #clock: Clock;

  constructor(client: Pick<KubernetesClient, 'find' | 'patch'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Says it of the token, unless it is said already, or the token is gone or has another spec by now; what was written
   * beside it stays. Rejects with ApiError, and with NotServed where it is not allowed and there is nothing in place.
   */
  async say(token: Stored<AccessTokenResource>, state: TokenState): Promise<void> {
    const { namespace = '', name, uid, generation } = token.metadata;
    const key = { namespace, name };
    let current = token;
    for (let tries = 1; ; tries += 1) {
      // Somebody else redeemed it meanwhile.
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
        if (!isApiError(error, 'conflict') || tries === MOST_TRIES) throw error;
      }
      const found = await this.#client.find<AccessTokenResource>(ACCESS_TOKENS, key);
      if (found?.metadata.uid !== uid || found.metadata.generation !== generation) return;
      current = found;
    }
  }
}
