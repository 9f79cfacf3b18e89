import { type Command, Help, type Option } from 'commander';
import { groupOf, type SettingGroup } from '../../config/setting-groups.js';
import type { SettingKey } from '../../config/settings.js';

const OWN = 'Options:';
const SELECTION = 'Options that select the site and its data:';
const OF_SERVICE = 'Settings of the service, as `serve` has them:';
const SELECTING: readonly SettingKey[] = ['namespace', 'platform', 'dataDir'];

/** Returns the heading of the options of a group in the help. */
export function optionHeading(group: SettingGroup): string {
  return `Options ${group}:`;
}

/**
 * Returns the heading in the help for a setting or for `--config`, with `isServe` in the help of `serve`; undefined for one that is
 * an option of the command itself.
 */
export function headingOf(key: SettingKey | 'config', isServe: boolean): string | undefined {
  // The service redeems tokens only as a controller of AccessTokens; commands redeem them on every platform.
  if (key === 'ownKey') return isServe ? optionHeading('on kubernetes') : undefined;
  const group = key === 'config' ? undefined : groupOf(key);
  if (group !== undefined) return optionHeading(group);
  if (isServe) return undefined;
  return key === 'config' || SELECTING.includes(key) ? SELECTION : OF_SERVICE;
}

/** Groups options and commands as Commander does, with the options of the command first and the settings of the service last. */
export function groupItems<T extends Command | Option>(
  items: T[],
  visible: T[],
  headingOfItem: (item: T) => string,
): Map<string, T[]> {
  const groups = [...Help.prototype.groupItems(items, visible, headingOfItem)];
  return new Map(groups.sort(([a], [b]) => rankOf(a) - rankOf(b)));
}

function rankOf(heading: string): number {
  if (heading === OF_SERVICE) return 3;
  return heading === OWN ? 0 : heading === SELECTION ? 1 : 2;
}
