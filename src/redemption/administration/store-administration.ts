import { formatEndpoint } from '../../domain/host-port-text.js';
import { formatTime } from '../../domain/rfc3339.js';
import type { ServiceDescription } from '../accepting/service-description.js';
import type { Administration } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';
import { grantOperations } from './grant-operations.js';
import { serviceProblem } from './health.js';
import { linkIssuance } from './issue-link.js';
import { issuerOperations } from './issuer-operations.js';
import { ledgerOperations } from './ledger-operations.js';
import { linkOperations } from './link-operations.js';
import { redemptionOperations } from './redemption-operations.js';
import { tokenOperations } from './tokens.js';
import { type LedgerVerifications, verificationOperations } from './verification-operations.js';

/** The administration of a local store. The `verifications` can be those of another administration of the store. */
export function administrationOfStore(
  deps: AdministrationDependencies,
  verifications: LedgerVerifications = verificationOperations(deps.store, deps.sharedVerification),
): Administration {
  const { startLedgerVerification, showLedgerVerification } = verifications;
  return {
    async describeService() {
      const service = await deps.readService();
      const problem = serviceProblem((await deps.checkReadiness?.()) ?? []);
      return {
        namespace: service?.system?.namespace ?? 'default',
        ...(service && serviceMembers(service)),
        observesConnections: deps.connections !== undefined,
        ...(problem !== undefined && { problem }),
      };
    },
    ...grantOperations(deps),
    ...tokenOperations(deps),
    ...redemptionOperations(deps),
    ...ledgerOperations(deps),
    ...linkOperations(deps),
    ...linkIssuance(deps),
    ...issuerOperations(deps),
    startLedgerVerification,
    showLedgerVerification,
  };
}

function serviceMembers({ url, platform, version, endpoints, certificateNotAfter }: ServiceDescription) {
  return {
    url,
    platform,
    ...(version !== undefined && { version }),
    ...(platform === 'standalone' && { endpoints: endpoints.map(formatEndpoint) }),
    ...(certificateNotAfter !== undefined && { certificateNotAfter: formatTime(certificateNotAfter) }),
  };
}
