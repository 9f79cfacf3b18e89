import type { ObservedConnections } from '../ports/connections.js';
import type { AdministrationDependencies } from './dependencies.js';
import type { HealthFinding, HealthReport } from './reports/health-report.js';

/** The observation of a service without an observer. */
export const UNOBSERVED: ObservedConnections = { peers: undefined, version: '' };

/** Returns the operation `checkHealth`. */
export function healthOperation({
  checkReadiness = noFindings,
  runDoctor = noFindings,
  connections,
}: Pick<
  AdministrationDependencies,
  'checkReadiness' | 'runDoctor' | 'connections'
>): () => Promise<HealthReport> {
  return async () => {
    const observer = observerFinding(connections?.latest() ?? UNOBSERVED);
    const findings = await Promise.all([checkReadiness(), observer, runDoctor()]);
    return healthReport(findings.flat());
  };
}

/** The results of a process that cannot check the service. */
export async function noFindings(): Promise<readonly HealthFinding[]> {
  return [];
}

/** Returns the report of these findings. */
export function healthReport(findings: readonly HealthFinding[]): HealthReport {
  return { ready: findings.every(({ status }) => status !== 'error'), findings };
}

/** Returns why sites cannot redeem tokens now, by the results of checks; undefined if they can. */
export function serviceProblem(findings: readonly HealthFinding[]): string | undefined {
  const failed = findings.filter(({ status }) => status === 'error').map(describeFinding);
  return failed.length === 0 ? undefined : failed.join('; ');
}

/** Returns the name and the result of a check as one text. */
export function describeFinding({ check, message }: HealthFinding): string {
  return `${check}: ${message}`;
}

/** Returns a warning if the last observation of connections failed. */
export function observerFinding({ problem }: ObservedConnections): HealthFinding[] {
  if (problem === undefined) return [];
  const remedy = 'check --observer, --observer-ca and --observer-credentials, and that the observer runs';
  return [{ check: 'observer', status: 'warning', message: problem, remedy }];
}
