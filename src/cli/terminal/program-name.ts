import { programName } from '../../config/command-context.js';
import { SETTINGS } from '../../config/settings.js';

const COMMAND =
  /(?<!\b(?:kubectl|npx) )\blinkgrant (?=(?:serve|status|console|grant|token|join|link|bootstrap|redemption|ledger|issuer|store|config|doctor|health|uninstall|login|logout|whoami|completion|version)\b)/g;

/**
 * Returns a text whose commands begin with the words that started this program, such as `kubectl linkgrant`. A command that has
 * these words already is not changed.
 */
export function withProgramName(text: string): string {
  return programName() === 'linkgrant' ? text : text.replace(COMMAND, `${programName()} `);
}

/** Returns the default platform: `kubernetes` for a kubectl plugin, because it works in the cluster of kubectl. */
export function defaultPlatform(): string {
  return programName() === 'kubectl linkgrant' ? 'kubernetes' : SETTINGS.platform.default;
}
