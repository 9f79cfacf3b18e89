import { Option } from 'commander';
import { groupOf, type SettingGroup } from '../../config/setting-groups.js';
import {
  flagOf,
  SERVER_SETTINGS,
  SETTINGS,
  type SettingDefinition,
  type SettingKey,
} from '../../config/settings.js';

/** Reads one more value of a flag that may be repeated. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** The heading in help of the options of a group. */
export function optionHeading(group: SettingGroup): string {
  return `Options ${group}:`;
}

function optionFor(key: SettingKey, isServe: boolean): Option {
  const definition: SettingDefinition = SETTINGS[key];
  const { placeholder, elsewhere, many, short } = definition;
  const description = isServe ? definition.description : (elsewhere ?? definition.description);
  const isUnnamed = typeof definition.default === 'string' && !description.includes('(default:');
  const shownDefault = isUnnamed ? ` (default: ${definition.default})` : '';
  const long = placeholder === undefined ? flagOf(key) : `${flagOf(key)} <${placeholder}>`;
  const flag = short === undefined ? long : `-${short}, ${long}`;
  const option = new Option(flag, `${description}${shownDefault}${many ? '; may be repeated' : ''}`);
  // A setting of its own, and not the contrary of another flag.
  option.negate = false;
  const group = groupOf(key);
  if (group !== undefined) option.helpGroup(optionHeading(group));
  return many ? option.argParser(collect) : option;
}

/** The flags of settings, and `--config`. Values are read by the configuration, not here, so that no flag has a default. */
export function settingsOptions(
  keys: readonly SettingKey[],
  { isServe = false }: { readonly isServe?: boolean } = {},
): Option[] {
  return [
    ...keys.map((key) => optionFor(key, isServe)),
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
