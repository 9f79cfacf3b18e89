import { Option } from 'commander';
import { REMOTE_SETTINGS } from '../../config/setting-groups.js';
import { flagOf, SETTINGS, type SettingDefinition, type SettingKey } from '../../config/settings.js';
import { headingOf } from './option-groups.js';
import { defaultPlatform } from './program-name.js';

/** Collects the values of a flag that may be repeated. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Returns the flag of a setting; with `isServe` that of `serve`. The configuration applies the default value. */
export function settingOption(key: SettingKey, isServe: boolean): Option {
  const definition: SettingDefinition = SETTINGS[key];
  const { placeholder, elsewhere, many, short } = definition;
  const description = isServe ? definition.description : (elsewhere ?? definition.description);
  const defaultValue = key === 'platform' ? defaultPlatform() : definition.default;
  const hasUnstatedDefault = typeof defaultValue === 'string' && !description.includes('(default:');
  const defaultText = hasUnstatedDefault ? ` (default: ${defaultValue})` : '';
  const long = placeholder === undefined ? flagOf(key) : `${flagOf(key)} <${placeholder}>`;
  const flag = short === undefined ? long : `-${short}, ${long}`;
  const option = new Option(flag, `${description}${defaultText}${many ? '; may be repeated' : ''}`);
  // --no-redemption is a setting of its own, not the negation of another flag.
  option.negate = false;
  const heading = headingOf(key, isServe);
  if (heading !== undefined) option.helpGroup(heading);
  return many ? option.argParser(collect) : option;
}

/** The settings of a command that opens the store. */
export const STORE_SETTINGS: readonly SettingKey[] = ['namespace', 'platform', 'dataDir', 'store'];

/** The settings of a command that opens the CAs of a data directory. */
export const ISSUER_SETTINGS: readonly SettingKey[] = [...STORE_SETTINGS, 'issuerCert', 'issuerKey'];

/** The settings of a command that works in a cluster. */
export const CLUSTER_SETTINGS: readonly SettingKey[] = ['kubeconfig', 'context', 'serviceNamespace'];

/** The settings of a command that administers a store or a cluster, directly or through a service. */
export const ADMINISTRATION_SETTINGS: readonly SettingKey[] = [
  ...STORE_SETTINGS,
  ...CLUSTER_SETTINGS,
  ...REMOTE_SETTINGS,
];
