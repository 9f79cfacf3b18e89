import { shell } from '../../domain/shell-words.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand } from '../terminal/suggested-command.js';
import type { IssuerFlags } from './issuer-session.js';

/** Says what the router has to trust, and the command that prints it. */
export function trustLine(name: string, what: string, flags: IssuerFlags): string {
  return `The router that accepts the links has to trust ${what} (caCertFile of its sslProfile, then restart it):\n  ${withProgramName(completeCommand(shell`linkgrant issuer trust ${name}`, flags))}\n`;
}

/** Returns the number of links as words. */
export function countOf(links: number): string {
  return links === 1 ? '1 link' : `${links} links`;
}
