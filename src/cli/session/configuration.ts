import { type Configuration, loadConfiguration } from '../../config/config.js';
import { processContext } from '../../config/process-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { CommandError } from '../terminal/command-error.js';
import { defaultPlatform } from '../terminal/program-name.js';

/** Settings of a command that runs outside a cluster. */
export type LocalSettings = Settings & { readonly platform: Exclude<Settings['platform'], 'kubernetes'> };

/** Reads the configuration from flags, environment and file; writes warnings to standard error. */
export function anyConfigurationFrom(flags: Readonly<Record<string, unknown>>): Configuration {
  const { env, stderr } = processContext();
  const configuration = loadConfiguration(flags, env, undefined, defaultPlatform());
  for (const warning of configuration.warnings) stderr.write(`warning: ${warning}\n`);
  return configuration;
}

/** Why a command does not work with a cluster, and what to do instead. */
export interface NotInCluster {
  readonly reason: string;
  readonly hint: string;
}

const DEFAULT_REASON: NotInCluster = {
  reason: 'this command does not work on kubernetes',
  hint: 'set another platform with --platform; docs/reference/cli.md lists the commands for a cluster',
};

/** Reads the configuration as {@link anyConfigurationFrom} does. Throws a CommandError if the platform is kubernetes. */
export function configurationFrom(
  flags: Readonly<Record<string, unknown>>,
  { reason, hint }: NotInCluster = DEFAULT_REASON,
): { readonly settings: LocalSettings } {
  const { settings } = anyConfigurationFrom(flags);
  const { platform } = settings;
  if (platform !== 'kubernetes') return { settings: { ...settings, platform } };
  throw new CommandError(reason, { exitCode: 2, hint });
}
