import { resolve } from 'node:path';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import { flagOf, SETTINGS, type SettingDefinition, type SettingKey } from '../../config/settings.js';
import { maskStoreUrl } from '../../config/store-url.js';

type Flags = Readonly<Record<string, unknown>>;

const CLUSTER: readonly SettingKey[] = ['kubeconfig', 'context'];
const LINKS: readonly SettingKey[] = ['namespace', 'platform', 'skupperHome', 'dataDir', ...CLUSTER];
const STORE: readonly SettingKey[] = ['dataDir', 'store'];

/** Commands that hints suggest, and the flags that each of them repeats. */
const COMMANDS: readonly (readonly [start: RegExp, keys: readonly string[]])[] = [
  [/^linkgrant link /, ['dir', ...LINKS, 'config']],
  [/^linkgrant serve\b/, [...SERVICE_SETTINGS, 'config']],
  [/^linkgrant store /, [...STORE, 'config']],
  [/^linkgrant (issuer|redemption) /, [...STORE, 'issuerCert', 'issuerKey', 'config']],
  [/^(kubectl|skupper) /, CLUSTER],
];
const PATHS: ReadonlySet<string | undefined> = new Set(['DIR', 'FILE']);
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/**
 * Adds to a suggested command those flags of the current command that it accepts, so that it runs as printed. Paths become
 * absolute, and a password in the URL of a store is masked.
 */
export function completeCommand(command: string, flags: Flags): string {
  const keys = COMMANDS.find(([start]) => start.test(command))?.[1] ?? [];
  const missing = keys.filter((key) => !isIn(command, key));
  return [command, ...missing.flatMap((key) => flagWords(key, flags[key]))].join(' ');
}

/** Completes each command in backticks in a hint. */
export function completeHint(hint: string, flags: Flags): string {
  return hint.replace(/`([^`]+)`/g, (_, command: string) => `\`${completeCommand(command, flags)}\``);
}

function isIn(command: string, key: string): boolean {
  const short = definitionOf(key)?.short;
  return command.split(' ').some((word) => word === flagOf(key) || word === `-${short}`);
}

function flagWords(key: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (value === true) return [flagOf(key)];
  const { placeholder = 'FILE' } = definitionOf(key) ?? {};
  return [value].flat().map((item) => {
    const full = PATHS.has(placeholder) ? resolve(String(item)) : String(item);
    const text = key === 'store' ? maskStoreUrl(full) : full;
    return `${flagOf(key)} ${shellWord(text)}`;
  });
}

function definitionOf(key: string): SettingDefinition | undefined {
  return key in SETTINGS ? SETTINGS[key as SettingKey] : undefined;
}

function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
