import { Option } from 'commander';
import { flagOf, SERVER_SETTINGS, SETTINGS, type SettingDefinition, type SettingKey } from '../settings.js';

/** Reads one more value of a flag that may be repeated. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

function optionFor(key: SettingKey): Option {
  const definition: SettingDefinition = SETTINGS[key];
  const { placeholder, description, many, short } = definition;
  const shownDefault = typeof definition.default === 'string' ? ` (default: ${definition.default})` : '';
  const long = placeholder === undefined ? flagOf(key) : `${flagOf(key)} <${placeholder}>`;
  const flag = short === undefined ? long : `-${short}, ${long}`;
  const option = new Option(flag, `${description}${shownDefault}${many ? '; may be repeated' : ''}`);
  // A setting of its own, and not the contrary of another flag.
  option.negate = false;
  return many ? option.argParser(collect) : option;
}

/** The flags of settings, and `--config`. Values are read by the configuration, not here, so that no flag has a default. */
export function settingsOptions(keys: readonly SettingKey[]): Option[] {
  return [
    ...keys.map(optionFor),
    new Option('--config <FILE>', 'configuration file (default: config.yaml in the data directory)'),
  ];
}

/** The settings of a command that opens the store. */
export const STORE_SETTINGS: readonly SettingKey[] = ['namespace', 'platform', 'dataDir', 'store'];

/** The settings of a command that works in a cluster. */
export const CLUSTER_SETTINGS: readonly SettingKey[] = ['kubeconfig', 'context', 'serviceNamespace'];

/** The settings of a command that works on a store or in a cluster, or asks a service that does. */
export const ADMINISTRATION_SETTINGS: readonly SettingKey[] = [
  ...STORE_SETTINGS,
  ...CLUSTER_SETTINGS,
  ...SERVER_SETTINGS,
];
