import { type Configuration, environment, loadConfiguration } from '../config.js';

/** The configuration that these flags and the environment give; warnings go to standard error. */
export function configurationFrom(flags: Readonly<Record<string, unknown>>): Configuration {
  const configuration = loadConfiguration(flags, environment());
  for (const warning of configuration.warnings) process.stderr.write(`warning: ${warning}\n`);
  return configuration;
}
