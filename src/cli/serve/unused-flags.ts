import type { Configuration } from '../../config/config.js';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import { flagOf, type SettingKey } from '../../config/settings.js';
import { usageError } from '../terminal/command-error.js';

/** All settings of a process that redeems AccessTokens and serves no redemptions (`--no-redemption`). */
const REDEEMER_SETTINGS: readonly SettingKey[] = [
  'dataDir',
  'platform',
  'namespace',
  'serviceNamespace',
  'kubeconfig',
  'context',
  'controllers',
  'noRedemption',
  'tokenNetwork',
  'ownKey',
  'opsListen',
  'logLevel',
];
const REDEEMER_ONLY_SETTINGS: readonly SettingKey[] = ['tokenNetwork', 'ownKey'];

/**
 * Throws a CommandError for flags of `serve` that have no effect; `redeems` is true if the process redeems AccessTokens and
 * serves no redemptions. Variables and files are not checked, because a service and a redeemer can share them.
 */
export function refuseUnusedFlags({ sources }: Pick<Configuration, 'sources'>, redeems: boolean): void {
  const flagKeys = SERVICE_SETTINGS.filter((key) => sources[key].startsWith('flag '));
  const unused = flagKeys.filter((key) =>
    redeems ? !REDEEMER_SETTINGS.includes(key) : REDEEMER_ONLY_SETTINGS.includes(key),
  );
  if (unused.length === 0) return;
  const flags = unused.map(flagOf).join(', ');
  const [error, hint] = redeems
    ? [
        `${flags} has no effect with --no-redemption`,
        `omit ${flags}: a process that redeems AccessTokens has no listener and no grants`,
      ]
    : [
        `${flags} has no effect without --controllers accesstoken`,
        `omit ${flags}: only a process with that controller redeems tokens`,
      ];
  throw usageError(error, hint);
}
