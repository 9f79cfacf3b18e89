import { resolve } from 'node:path';
import type { Flags } from '../../config/config.js';
import { maskSetting } from '../../config/masked-setting.js';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import type { Settings } from '../../config/setting-schemas.js';
import { flagOf, SETTINGS, type SettingDefinition, type SettingKey } from '../../config/settings.js';
import { shellWord } from '../../domain/shell-words.js';
import { withProgramName } from './program-name.js';

const CLUSTER: readonly SettingKey[] = ['kubeconfig', 'context'];
const LINK_SETTINGS: readonly SettingKey[] = ['namespace', 'platform', 'skupperHome', 'dataDir', ...CLUSTER];
const STORE: readonly SettingKey[] = ['dataDir', 'store'];
const REMOTE: readonly SettingKey[] = ['server', 'serverTokenFile', 'serverCa'];
const ADMINISTRATION: readonly string[] = [...STORE, 'platform', ...CLUSTER, ...REMOTE, 'config'];
const ISSUERS: readonly string[] = [...STORE, 'issuerCert', 'issuerKey', 'config'];

/** The start of each command that hints suggest, and the keys of the flags that are added to it. */
const COMMANDS: readonly (readonly [start: RegExp, keys: readonly string[]])[] = [
  [/^linkgrant (join|link (accept|request))\b/, [...LINK_SETTINGS, 'config']],
  [/^linkgrant link issue\b/, ADMINISTRATION],
  [/^linkgrant link /, ['dir', ...LINK_SETTINGS, 'config']],
  [/^linkgrant (serve\b|doctor$)/, [...SERVICE_SETTINGS, 'config']],
  [/^linkgrant store /, [...STORE, 'config']],
  [/^linkgrant (issuer |redemption revoke .*--cut\b)/, ISSUERS],
  [/^(kubectl|skupper) /, CLUSTER],
  [/^linkgrant grant revoke\b/, ['namespace', ...ADMINISTRATION]],
  [/^linkgrant (console|grant|redemption|token (issue|list|revoke))\b/, ADMINISTRATION],
];
/** Commands of the side that requests links. Their flags select other directories and services than those of the other side. */
const REQUESTING = /^linkgrant (link (?!generate|issue)|join\b|bootstrap\b|token redeem\b)/;
/** Commands that have no flags of either side. A user runs them where the token file is. */
const EITHER_SIDE = /^linkgrant token inspect\b/;
/** Commands with the rules of a grant as flags. */
const GRANT_COMMAND = /^linkgrant (grant|token)\b/;
const PATH_PLACEHOLDERS: ReadonlySet<string | undefined> = new Set(['DIR', 'FILE']);

/**
 * Adds those flags of the current command that the suggested command accepts and does not contain yet. Paths become absolute. A
 * password in the URL of a store and the path of a webhook are masked, so the user has to insert them.
 */
export function completeCommand(command: string, flags: Flags): string {
  const keys = COMMANDS.find(([start]) => start.test(command))?.[1] ?? [];
  const missing = keys.filter((key) => !hasFlag(command, key));
  return [command, ...missing.flatMap((key) => flagWords(key, flags[key]))].join(' ');
}

/** Completes each command in backticks in a text about this machine, such as a report or a warning. */
export function completeHint(hint: string, flags: Flags): string {
  return eachCommand(hint, (command) => completeCommand(command, flags));
}

/**
 * Completes each command in backticks in a hint of `running`, such as `linkgrant issuer retire`, that the user can run on the same
 * machine. Commands for the other side of the link are left unchanged: they run on another machine, with other flags.
 */
export function completeOwnCommands(
  hint: string,
  running: string,
  flags: Flags,
  finish = (command: string) => command,
): string {
  // With a token, `doctor` checks the side that redeems it.
  const isRequesting =
    REQUESTING.test(running) || (running === 'linkgrant doctor' && flags.token !== undefined);
  // The directory of --to in a redemption is that of --dir in the commands on links. With `--to -` there is no directory.
  const dir = flags.to === '-' ? undefined : flags.to;
  return eachCommand(hint, (command) =>
    EITHER_SIDE.test(command) || REQUESTING.test(command) === isRequesting
      ? finish(completeCommand(command, { dir, ...flags }))
      : command,
  );
}

/**
 * Completes the hint of a failed command as {@link completeOwnCommands} does, and begins each completed command with the words that
 * started this program.
 */
export function completeFailureHint(hint: string, failed: string, flags: Flags): string {
  const { identities: _rule, ...others } = flags;
  // The flag --identities of a grant is a rule, and not the setting of `serve`.
  const settings = GRANT_COMMAND.test(failed) ? others : flags;
  return completeOwnCommands(hint, failed, settings, withProgramName);
}

/**
 * Returns the lines that copy changed files of the data directory to the other hosts of a PostgreSQL store; empty for another
 * store.
 */
export function copyStep({ store, dataDir }: Settings, directory: 'code-keys' | 'issuers'): string {
  if (store?.kind !== 'postgres') return '';
  const source = shellWord(resolve(dataDir, directory));
  return `If services on other hosts use this store, copy the change to each of these hosts:\n  rsync -a --delete ${source} HOST:DATA_DIR/\n`;
}

/** Replaces each command in backticks in a hint. */
function eachCommand(hint: string, replacementOf: (command: string) => string): string {
  return hint.replace(/`([^`]+)`/g, (_, command: string) => `\`${replacementOf(command)}\``);
}

function hasFlag(command: string, key: string): boolean {
  const short = definitionOf(key)?.short;
  return command.split(' ').some((word) => word === flagOf(key) || word === `-${short}`);
}

function flagWords(key: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (value === true) return [flagOf(key)];
  const { placeholder = 'FILE' } = definitionOf(key) ?? {};
  return [value].flat().map((item) => {
    const full = PATH_PLACEHOLDERS.has(placeholder) ? resolve(String(item)) : String(item);
    return `${flagOf(key)} ${shellWord(String(maskSetting(key, full)))}`;
  });
}

function definitionOf(key: string): SettingDefinition | undefined {
  return key in SETTINGS ? SETTINGS[key as SettingKey] : undefined;
}
