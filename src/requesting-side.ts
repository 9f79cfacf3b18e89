import { setTimeout as sleep } from 'node:timers/promises';
import { readAnswer } from './client/answer-reader.js';
import {
  createRedemptionClient,
  DEFAULT_TIMEOUT_MS,
  type RedemptionClientOptions,
} from './client/redemption-client.js';
import type { AccessToken } from './domain/access-token.js';
import { directoryMaterializer } from './platforms/standalone/directory-materializer.js';
import { pendingDirectories } from './platforms/standalone/pending-directory.js';
import { streamMaterializer } from './platforms/standalone/stream-materializer.js';
import type { Checkpoint } from './redemption/clock.js';
import type { Materializer } from './redemption/materializer.js';
import { type RedeemedToken, type RedeemTokenRequest, redeemToken } from './redemption/redeem-token.js';
import type { TokenCheck } from './redemption/redemption-client.js';

const PATIENCE_MARGIN_MS = 5_000;

/** How the requesting side reaches a service. */
export type RequestingSideOptions = RedemptionClientOptions;

/** The requesting side with what it keeps in the data directory. */
export function openRequestingSide(
  dataDir: string,
  options: RequestingSideOptions & { readonly checkpoint: Checkpoint },
) {
  const client = createRedemptionClient(options);
  const { clock, checkpoint } = options;
  const openPending = pendingDirectories(dataDir, clock);
  return {
    toDirectory: (directory: string) => directoryMaterializer(directory, clock),
    toStream: streamMaterializer,
    redeem: (request: RedeemTokenRequest, materializer: Materializer): Promise<RedeemedToken> =>
      redeemToken(request, {
        client,
        readAnswer,
        openPending,
        materializer,
        clock,
        checkpoint,
        wait: sleep,
        patienceMs: (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + PATIENCE_MARGIN_MS,
      }),
  };
}

/** Asks the service of a token for the state of its grant. */
export function checkToken(
  token: AccessToken,
  options: RequestingSideOptions,
): Promise<TokenCheck | 'stock'> {
  return createRedemptionClient(options).check(token);
}
