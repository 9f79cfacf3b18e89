import { commandContext } from '../../config/command-context.js';
import { type Configuration, loadConfiguration } from '../../config/config.js';
import type { Settings } from '../../config/setting-schemas.js';
import { usageError } from '../terminal/command-error.js';
import { defaultPlatform } from '../terminal/program-name.js';

/** Settings of a command that runs outside a cluster. */
export type LocalSettings = Settings & { readonly platform: Exclude<Settings['platform'], 'kubernetes'> };

// The warnings are about the environment. A command that reads its configuration several times writes them once.
const warnedStreams = new WeakSet<object>();

/** Reads the configuration from flags, environment and file; writes warnings to standard error. */
export function configurationFrom(flags: Readonly<Record<string, unknown>>): Configuration {
  const { env, stderr } = commandContext();
  const configuration = loadConfiguration(flags, env, undefined, defaultPlatform());
  if (!warnedStreams.has(stderr)) {
    warnedStreams.add(stderr);
    for (const warning of configuration.warnings) stderr.write(`warning: ${warning}\n`);
  }
  return configuration;
}

/** Throws a CommandError for `--endpoint` on a platform whose sites have their own endpoints. */
export function refuseEndpoint(platform: string, endpoint: unknown): void {
  if (platform === 'standalone' || endpoint === undefined) return;
  throw usageError(
    `--endpoint is for the standalone platform; on ${platform} the site has the endpoints`,
    platform === 'kubernetes'
      ? 'omit --endpoint: links connect to the endpoints in the status of the Site'
      : "set --host to a host in the certificate of the site's router",
  );
}

/**
 * Reads the settings as {@link configurationFrom} does. If the platform is kubernetes, throws a CommandError with this
 * reason and hint.
 */
export function localSettingsFrom(
  flags: Readonly<Record<string, unknown>>,
  { reason, hint }: { readonly reason: string; readonly hint: string },
): LocalSettings {
  const { settings } = configurationFrom(flags);
  const { platform } = settings;
  if (platform !== 'kubernetes') return { ...settings, platform };
  throw usageError(reason, hint);
}
