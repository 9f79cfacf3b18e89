import { readAnswer } from '../client/answer-reader.js';
import { createRenewalClient } from '../client/https-renewal-client.js';
import { createLinkDialer } from '../client/link-dial.js';
import { linkDirectory } from '../platforms/files/link-directory.js';
import { linkRecords } from '../platforms/files/link-records.js';
import { renewalDirectory } from '../platforms/files/renewal-directory.js';
import type { Checkpoint } from '../redemption/ports/clock.js';
import type { RenewLinkDependencies } from '../redemption/requesting/renew-link.js';
import type { ServiceConnectionOptions } from './token-redemption.js';

export { PendingReload } from '../platforms/files/pending-reload.js';
export { RenewalRuns } from '../platforms/files/renewal-runs.js';
export { createLinkDialer, linkDirectory, linkRecords };

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
