import { programName } from '../../config/process-context.js';
import { SETTINGS } from '../../config/settings.js';

const COMMAND =
  /\blinkgrant (?=(?:serve|console|grant|token|join|link|bootstrap|redemption|issuer|store|config|doctor|health|uninstall)\b)/g;

/** A text with its commands as the user of this program has to type them: those of a kubectl plugin begin with kubectl. */
export function ownCommands(text: string): string {
  return programName() === 'linkgrant' ? text : text.replace(COMMAND, `${programName()} `);
}

/** The platform if no setting names one: `kubernetes` for a kubectl plugin, because it works in the cluster of kubectl. */
export function defaultPlatform(): string {
  return programName() === 'kubectl linkgrant' ? 'kubernetes' : SETTINGS.platform.default;
}
