import { commandContext } from '../config/command-context.js';
import { roughDuration } from '../domain/duration.js';
import type { AttentionItem } from '../redemption/administration/reports/attention-report.js';
import type { OverviewReport } from '../redemption/administration/reports/overview-report.js';
import type { ServiceReport } from '../redemption/administration/reports/service-report.js';
import { withAdministration } from './session/administration-session.js';
import { checkedAdministration } from './session/checked-administration.js';
import { CommandError } from './terminal/command-error.js';
import { fields, print } from './terminal/output.js';
import type { OutputFormat } from './terminal/output-format.js';
import { plain } from './terminal/plain-text.js';
import { completeCommand } from './terminal/suggested-command.js';

/** The flags of `status`, including settings. */
export interface StatusFlags {
  readonly output?: OutputFormat;
  readonly [setting: string]: unknown;
}

// A service can return any text. Only commands that linkgrant suggests are shown.
const SUGGESTED =
  /^linkgrant (doctor|serve --endpoint inter-router=HOST:PORT|grant list|redemption (list|show|revoke)( [\w-]+)*)$/;

/** `status`: prints the service, its grants and links, and what needs attention; the exit code is 1 if something does. */
export async function statusCommand({ output, ...flags }: StatusFlags): Promise<void> {
  await withAdministration(flags, async (session) => {
    const administration = checkedAdministration(session, flags);
    await session.connections?.observe();
    const [service, overview] = await Promise.all([
      administration.describeService(),
      administration.readOverview(),
    ]);
    const isRemote = session.configuration.settings.server !== undefined;
    const nextStepOf = ({ kind, nextStep }: AttentionItem) => {
      if (!SUGGESTED.test(nextStep)) return 'the service suggests no command of linkgrant';
      return isRemote && (kind === 'service-not-ready' || kind === 'no-endpoints')
        ? `on the host of the service, run \`${nextStep}\``
        : `run \`${completeCommand(nextStep, flags)}\``;
    };
    const { attention } = overview;
    const messageOf = ({ message }: Partial<AttentionItem>) =>
      message ?? 'the service does not name the problem';
    await print(output, { service, ...overview }, () =>
      [
        statusFields(service, overview),
        attention.length === 0 ? '\nNothing needs attention.\n' : '\nNeeds attention\n',
        ...attention.map((item) => plain`- ${messageOf(item)}\n    ${nextStepOf(item)}\n`),
      ].join(''),
    );
    const [first] = attention;
    if (!first) return;
    const count = attention.length === 1 ? '1 item needs' : `${attention.length} items need`;
    throw new CommandError(`${count} attention; ${messageOf(first)}`, {
      exitCode: 1,
      hint: nextStepOf(first),
    });
  });
}

function statusFields(service: ServiceReport, { health, grants, openTokens, links }: OverviewReport): string {
  const { problem, version, url, endpoints, certificateNotAfter } = service;
  const checked = health.findings.find(({ check }) => check === 'service')?.message ?? 'ready';
  return fields([
    ['Service', problem === undefined ? checked : `not ready: ${problem}`],
    ['Version', version],
    ['URL', url],
    ['Endpoints', endpoints && (endpoints.join(', ') || 'none')],
    ['Certificate', certificateNotAfter && certificateText(certificateNotAfter)],
    ['Grants', `${grants.ready} ready, ${grants.pending} not ready, ${grants.ended} ended`],
    ['Open tokens', openTokens],
    ['Links', `${links.known} valid, ${links.expired} expired, ${links.revoked} revoked`],
    ['Connected', links.connected ?? undefined],
    ['Not renewed', `${links.notRenewing} overdue for renewal, ${links.expiringSoon} expiring`],
  ]);
}

function certificateText(notAfter: string): string {
  const rest = Date.parse(notAfter) - commandContext().clock();
  return rest > 0 ? `ends in ${roughDuration(rest)}, at ${notAfter}` : `ended at ${notAfter}`;
}
