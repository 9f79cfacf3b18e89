import { readAnswer } from '../client/answer-reader.js';
import { createRenewalClient } from '../client/https-renewal-client.js';
import { renewalDirectory } from '../platforms/files/renewal-directory.js';
import type { Checkpoint } from '../redemption/ports/clock.js';
import type { RenewLinkDependencies } from '../redemption/requesting/renew-link.js';
import type { ServiceConnectionOptions } from './token-redemption.js';

/** Opens the dependencies of renewals, whose pending keys are stored in the data directory. */
export function openLinkRenewal(
  dataDir: string,
  options: ServiceConnectionOptions & { readonly checkpoint: Checkpoint },
): Omit<RenewLinkDependencies, 'links'> {
  const { clock, checkpoint } = options;
  return {
    client: createRenewalClient(options),
    readAnswer,
    openRenewal: renewalDirectory(dataDir, clock),
    clock,
    checkpoint,
  };
}
