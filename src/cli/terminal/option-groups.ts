import { type Command, Help, type Option } from 'commander';
import type { SettingKey } from '../../config/settings.js';

const OWN = 'Options:';
const SELECTION = 'Options that select the site and its data:';
const OF_SERVICE = 'Settings of the service, as `serve` has them:';
const SELECTING: readonly SettingKey[] = ['namespace', 'platform', 'dataDir'];

/** Returns the heading in the help of a command for a setting of no group; undefined for one that is an option of the command. */
export function headingOf(key: SettingKey | 'config'): string | undefined {
  if (key === 'ownKey') return undefined;
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
