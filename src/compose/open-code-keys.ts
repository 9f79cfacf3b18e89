import type { Logger } from 'pino';
import { CodeKeyDirectory } from '../platforms/standalone/code-key-directory.js';
import { removeUnusedCodeKeys } from '../redemption/accepting/rotate-code-keys.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { RotatingCodeKeys } from '../redemption/ports/code-keys.js';
import type { GrantStore } from '../redemption/ports/grant-store.js';

/** The master keys for signed codes in the data directory of a service. */
export function openCodeKeys(dataDir: string, clock: Clock): RotatingCodeKeys {
  return new CodeKeyDirectory(dataDir, clock);
}

/** Removes the unused master keys, and logs it. Never rejects. */
export async function sweepCodeKeys(
  store: GrantStore,
  codeKeys: RotatingCodeKeys,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<void> {
  try {
    for (const kid of await removeUnusedCodeKeys(store, codeKeys, clock())) {
      logger.info({ event: 'code_key_removed', kid }, 'an old key for signed codes was removed');
    }
  } catch (error) {
    logger.warn(
      { event: 'sweep_failed', err: error },
      'old keys for signed codes were not removed; the next run tries again',
    );
  }
}
