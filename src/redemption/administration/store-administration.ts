import type { Administration } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';
import { grantOperations } from './grants.js';
import { issuerOperations } from './issuers.js';
import { linkOperations } from './links.js';
import { serviceProblem } from './overview.js';
import { redemptionOperations } from './redemptions.js';
import { tokenOperations } from './tokens.js';
import { verificationOperations } from './verify-ledger.js';

/** The administration of a local store. */
export function administrationOfStore(deps: AdministrationDependencies): Administration {
  return {
    async describeService() {
      const service = await deps.readService();
      const problem = serviceProblem((await deps.checkReadiness?.()) ?? []);
      return {
        namespace: service?.system?.namespace ?? 'default',
        ...(service && { url: service.url, platform: service.platform }),
        ...(problem !== undefined && { problem }),
      };
    },
    ...grantOperations(deps),
    ...tokenOperations(deps),
    ...redemptionOperations(deps),
    ...linkOperations(deps),
    ...issuerOperations(deps),
    ...verificationOperations(deps.store, deps.sharedVerification),
  };
}
