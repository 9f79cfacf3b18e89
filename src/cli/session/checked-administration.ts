import type { Administration } from '../../redemption/administration/administration.js';
import { healthReport, serviceProblem } from '../../redemption/administration/health.js';
import { withFindings } from '../../redemption/administration/overview.js';
import type { HealthFinding } from '../../redemption/administration/reports/health-report.js';
import { connectionOptions } from '../flags/connection-flags.js';
import type { AdministrationSession } from './administration-session.js';

const PROBE_TIMEOUT_MS = 2_000;

/**
 * Returns the administration for `linkgrant console` and `status`. Unlike the service, this process cannot know whether the service
 * runs, so it checks that for each overview and description. A remote service checks itself.
 */
export function checkedAdministration(
  session: AdministrationSession,
  flags: Readonly<Record<string, unknown>>,
): Administration {
  const { administration, configuration, namespace } = session;
  const { settings } = configuration;
  const describeService = async () => ({ ...(await administration.describeService()), namespace });
  if (settings.server) return { ...administration, describeService };
  return {
    ...administration,
    async describeService() {
      const [service, finding] = await Promise.all([describeService(), checkService(session)]);
      const problem = serviceProblem([finding]);
      return { ...service, ...(problem !== undefined && { problem }) };
    },
    async readOverview() {
      const [overview, finding] = await Promise.all([administration.readOverview(), checkService(session)]);
      return withFindings(overview, [finding]);
    },
    async checkHealth() {
      const { findings } = await administration.checkHealth();
      const { runDoctor } = await import('../doctor/doctor.js');
      return healthReport([...findings, ...(await runDoctor(settings, flags))]);
    },
  };
}

async function checkService(session: AdministrationSession): Promise<HealthFinding> {
  const { failWithError, findingOf } = await import('../doctor/doctor-check.js');
  const check = await runServiceCheck(session).catch((error: unknown) =>
    failWithError('service', error, 'run `linkgrant doctor`'),
  );
  return findingOf(check);
}

async function runServiceCheck({ inspector, readService }: AdministrationSession) {
  if (inspector) {
    const { checkServingReplica } = await import('../doctor/doctor-cluster-accepting.js');
    return checkServingReplica(inspector);
  }
  const { checkServiceAt } = await import('../doctor/doctor-route.js');
  const options = { ...connectionOptions({}), timeoutMs: PROBE_TIMEOUT_MS };
  return checkServiceAt(await readService?.(), options);
}
