import { type Configuration, loadConfiguration } from '../../config/config.js';
import { processContext } from '../../config/process-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { CommandError } from './command-error.js';

/** Settings of a command that runs outside a cluster. */
export type LocalSettings = Settings & { readonly platform: Exclude<Settings['platform'], 'kubernetes'> };

/** The configuration from flags, environment and file; warnings go to standard error. */
export function anyConfigurationFrom(flags: Readonly<Record<string, unknown>>): Configuration {
  const { env, stderr } = processContext();
  const configuration = loadConfiguration(flags, env);
  for (const warning of configuration.warnings) stderr.write(`warning: ${warning}\n`);
  return configuration;
}

/** Why a command does not run for a cluster, and what to do instead. */
export interface NotInCluster {
  readonly why: string;
  readonly instead: string;
}

const USUALLY_NOT: NotInCluster = {
  why: 'this command does not work on kubernetes',
  instead: 'name another platform with --platform; docs/reference/cli.md lists the commands for a cluster',
};

/** As {@link anyConfigurationFrom}. Throws a CommandError if the platform is kubernetes. */
export function configurationFrom(
  flags: Readonly<Record<string, unknown>>,
  { why, instead }: NotInCluster = USUALLY_NOT,
): {
  readonly settings: LocalSettings;
} {
  const { settings } = anyConfigurationFrom(flags);
  const { platform } = settings;
  if (platform !== 'kubernetes') return { settings: { ...settings, platform } };
  throw new CommandError(why, { exitCode: 2, hint: instead });
}
