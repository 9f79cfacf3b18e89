import type { Configuration } from '../../config/config.js';
import { flagOf, SERVICE_SETTINGS, type SettingKey } from '../../config/settings.js';
import { CommandError } from './command-error.js';

/** All settings of a process that redeems AccessTokens. */
const OF_REDEEMER: readonly SettingKey[] = [
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
/** Settings that only such a process has. */
const OF_REDEEMER_ALONE: readonly SettingKey[] = ['tokenNetwork', 'ownKey'];

/**
 * Throws a CommandError for flags of `serve` that have no effect. Variables and files are not checked,
 * because a service and a redeemer beside it may share them.
 */
export function refuseUnusedFlags({ sources }: Pick<Configuration, 'sources'>, redeems: boolean): void {
  const given = SERVICE_SETTINGS.filter((key) => sources[key].startsWith('flag '));
  const unused = given.filter((key) =>
    redeems ? !OF_REDEEMER.includes(key) : OF_REDEEMER_ALONE.includes(key),
  );
  if (unused.length === 0) return;
  const flags = unused.map(flagOf).join(', ');
  const [error, hint] = redeems
    ? [
        `${flags} would change nothing beside --no-redemption`,
        'leave it out: the process that redeems AccessTokens has no listener and no grants',
      ]
    : [
        `${flags} would change nothing without --controllers accesstoken`,
        'leave it out: a service of grants redeems no tokens',
      ];
  throw new CommandError(error, { exitCode: 2, hint });
}
