import { type Configuration, environment, loadConfiguration } from '../config.js';
import type { Settings } from '../setting-schemas.js';
import { CommandError } from './command-error.js';

/** Settings of a command that works on this machine. */
export type LocalSettings = Settings & { readonly platform: Exclude<Settings['platform'], 'kubernetes'> };

/** The configuration that these flags and the environment give; warnings go to standard error. */
export function anyConfigurationFrom(flags: Readonly<Record<string, unknown>>): Configuration {
  const configuration = loadConfiguration(flags, environment());
  for (const warning of configuration.warnings) process.stderr.write(`warning: ${warning}\n`);
  return configuration;
}

/** As {@link anyConfigurationFrom}. Throws a CommandError where it is for a cluster. */
export function configurationFrom(flags: Readonly<Record<string, unknown>>): {
  readonly settings: LocalSettings;
} {
  const { settings } = anyConfigurationFrom(flags);
  const { platform } = settings;
  if (platform !== 'kubernetes') return { settings: { ...settings, platform } };
  throw new CommandError('this command does not work on kubernetes', {
    exitCode: 2,
    hint: 'use kubectl: grants are AccessGrant resources there; or name another platform with --platform',
  });
}
