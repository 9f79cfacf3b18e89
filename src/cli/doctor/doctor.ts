import { hasStore } from '../../compose/open-store.js';
import { openRequestingSite, openTokenRedemption } from '../../compose/token-redemption.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import type { HealthFinding } from '../../redemption/administration/reports/health-report.js';
import { type ConnectionFlags, connectionOptions } from '../flags/connection-flags.js';
import { worstOf } from '../link/link-faults.js';
import { linkDirectoryOf } from '../link/site-links.js';
import { requireKnownNamespace, siteNamespace } from '../link/site-namespace.js';
import { configurationFrom, type LocalSettings } from '../session/configuration.js';
import { withStore } from '../session/store-session.js';
import { CommandError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { completeHint, completeOwnCommands } from '../terminal/suggested-command.js';
import { type AcceptingOptions, acceptingChecks } from './doctor-accepting.js';
import {
  type Check,
  checksOf,
  checksText,
  type DoctorInput,
  findingOf,
  writableCheck,
} from './doctor-check.js';
import { identityProviderChecks, requireIdentityOfGrant } from './doctor-providers.js';
import { linkDirectoryChecks, tokenChecks } from './doctor-requesting.js';

/** The flags of `doctor`. */
export interface DoctorFlags extends ConnectionFlags, DoctorInput {
  readonly output?: OutputFormat;
  readonly [flag: string]: unknown;
}

/** `doctor`: checks a namespace of a cluster, or the requesting side (`--token`, `--to`), or else the accepting side. */
export async function doctorCommand(flags: DoctorFlags): Promise<void> {
  const { output } = flags;
  requireIdentityOfGrant(flags);
  const { settings } = configurationFrom(flags);
  const checks = await runChecks(settings, flags, flags, connectionOptions(flags));
  const report = checks.map(({ exitCode: _, ...check }) => check);
  await print(output, report, () => checksText(checks));
  throwWorstCheck(checks);
}

// A remote console waits 10 seconds for the checks, and may have to wait until those of another console have ended.
const CONSOLE_TIMEOUT_MS = 4_000;

/**
 * Returns the results of `doctor` for the web console; `isService` as in {@link AcceptingOptions}. Suggested commands get the
 * `flags` of the command that serves the console.
 */
export async function runDoctor(
  settings: Settings,
  flags: Readonly<Record<string, unknown>>,
  isService = false,
): Promise<readonly HealthFinding[]> {
  const options = { ...connectionOptions({}), timeoutMs: CONSOLE_TIMEOUT_MS, isService };
  const checks = await runChecks(settings, flags, {}, options);
  return checks.map(findingOf);
}

async function runChecks(
  settings: Settings,
  flags: Readonly<Record<string, unknown>>,
  input: DoctorInput,
  options: AcceptingOptions,
): Promise<readonly Check[]> {
  const { platform } = settings;
  const checks =
    platform === 'kubernetes'
      ? await (await import('./doctor-cluster.js')).clusterChecks(settings, input, options)
      : await localChecks({ ...settings, platform }, input, options);
  const commandFlags = { ...flags, dir: input.to };
  // With a token, the hints also name commands for the accepting side, which has other flags.
  const complete = (hint: string) =>
    input.token === undefined
      ? completeHint(hint, commandFlags)
      : completeOwnCommands(hint, 'linkgrant doctor', commandFlags);
  return checks.map(({ hint, ...check }) =>
    hint === undefined ? check : { ...check, hint: complete(hint) },
  );
}

async function localChecks(
  settings: LocalSettings,
  input: DoctorInput,
  options: AcceptingOptions,
): Promise<readonly Check[]> {
  const { token, to } = input;
  const { namespace, platform, skupperHome } = settings;
  const directory = linkDirectoryOf(to, settings);
  const checksRequestingSide = token !== undefined || to !== undefined;
  const checks: Check[] = [];
  if (!checksRequestingSide) {
    checks.push(...(await acceptingChecks(settings, options)));
    checks.push(
      ...(await checksOf('identity providers', () => localIdentityChecks(settings, input, options))),
    );
  }
  if (token !== undefined) {
    const redemption = openTokenRedemption(settings.dataDir, options);
    const findLink = async (redeemed: RedeemableToken) => redemption.findSecretName(redeemed);
    const systemSite =
      platform === 'standalone' ? undefined : openRequestingSite(skupperHome, siteNamespace(settings));
    const { linkRequests } = redemption;
    const site = { findLink, siteUid: () => systemSite?.uid(), linkRequests };
    checks.push(...(await tokenChecks({ ...input, token }, site, options)));
  }
  if (checksRequestingSide) checks.push(writableCheck('data directory', settings.dataDir));
  if (directory !== undefined && (checksRequestingSide || namespace !== undefined)) {
    const checkLinks = async () => {
      // A redemption into an unknown namespace is refused.
      if (to === undefined) requireKnownNamespace(skupperHome, siteNamespace(settings));
      return linkDirectoryChecks(directory, options.clock());
    };
    checks.push(...(await checksOf('namespace', checkLinks, 'check --namespace and --skupper-home')));
  }
  return checks;
}

async function localIdentityChecks(
  settings: LocalSettings,
  input: DoctorInput,
  options: AcceptingOptions,
): Promise<readonly Check[]> {
  // Without a store, the checks of the accepting side have failed.
  if (!hasStore(settings)) return [];
  return withStore(settings, {}, ({ store, namespace, service }) =>
    identityProviderChecks(settings, input, { store, namespace, urlOf: async () => service?.url }, options),
  );
}

function throwWorstCheck(checks: readonly Check[]): void {
  const failed = checks.filter(({ status }) => status === 'fail');
  const worst = worstOf(failed, (check) => check.exitCode);
  if (!worst) return;
  const { name, detail, exitCode, hint } = worst;
  throw new CommandError(`${failed.length} of ${checks.length} checks failed; ${name}: ${detail}`, {
    exitCode,
    hint,
  });
}
