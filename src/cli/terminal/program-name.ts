import { programName } from '../../config/process-context.js';
import { SETTINGS } from '../../config/settings.js';

const COMMAND =
  /\blinkgrant (?=(?:serve|console|grant|token|join|link|bootstrap|redemption|issuer|store|config|doctor|health|uninstall|login|logout|whoami|completion|version)\b)/g;

/** A text with its commands as the user of this program has to type them: after `kubectl` or `npx` if it was started so. */
export function ownCommands(text: string): string {
  return programName() === 'linkgrant' ? text : text.replace(COMMAND, `${programName()} `);
}

/** The platform if no setting names one: `kubernetes` for a kubectl plugin, because it works in the cluster of kubectl. */
export function defaultPlatform(): string {
  return programName() === 'kubectl linkgrant' ? 'kubernetes' : SETTINGS.platform.default;
}
