import { ADMIN_SETTINGS, CONSOLE_SETTINGS } from './admin-settings.js';
import { IDENTITY_SETTINGS } from './identity-settings.js';
import { SETTINGS, type SettingKey } from './settings.js';

/** The settings for commands that use a remote service; the service itself ignores them. */
export const REMOTE_SETTINGS = [
  'server',
  'serverCa',
  'serverTokenFile',
] as const satisfies readonly SettingKey[];

/** The settings of the network observer. */
export const OBSERVER_SETTINGS = [
  'observer',
  'observerCa',
  'observerCredentials',
] as const satisfies readonly SettingKey[];

/** The settings of the service. */
export const SERVICE_SETTINGS: readonly SettingKey[] = (Object.keys(SETTINGS) as SettingKey[]).filter(
  (key) => !(REMOTE_SETTINGS as readonly SettingKey[]).includes(key),
);

/**
 * The settings that have an effect only in some cases. The key is the text after "Options" in help. All other settings always
 * have an effect.
 */
const SETTING_GROUPS = {
  'on kubernetes': [
    'serviceNamespace',
    'kubeconfig',
    'context',
    'controllers',
    'noRedemption',
    'tokenNetwork',
    'service',
    'securedAccess',
    'tlsSecret',
  ],
  'on podman, docker and linux': ['skupperHome'],
  'on standalone': ['endpoint', 'issuerCert', 'issuerKey'],
  'on every platform but kubernetes': ['tlsCert', 'tlsKey', 'tlsCa', 'store', 'workers', 'grantRetention'],
  'of the admin API': Object.keys(ADMIN_SETTINGS) as (keyof typeof ADMIN_SETTINGS)[],
  'of the web console': Object.keys(CONSOLE_SETTINGS) as (keyof typeof CONSOLE_SETTINGS)[],
  'of identity providers': Object.keys(IDENTITY_SETTINGS) as (keyof typeof IDENTITY_SETTINGS)[],
  'of the network observer': OBSERVER_SETTINGS,
  'of webhooks': ['webhook', 'webhookSecretFile', 'webhookCa', 'webhookAllowPrivate'],
  'of a remote service': REMOTE_SETTINGS,
} as const satisfies Record<string, readonly SettingKey[]>;

export type SettingGroup = keyof typeof SETTING_GROUPS;

/** The group of a setting; undefined for a setting that always has an effect. */
export function groupOf(key: SettingKey): SettingGroup | undefined {
  const groups = Object.entries(SETTING_GROUPS) as [SettingGroup, readonly SettingKey[]][];
  return groups.find(([, keys]) => keys.includes(key))?.[0];
}
