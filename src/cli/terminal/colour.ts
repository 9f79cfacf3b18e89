import { styleText } from 'node:util';
import { commandContext, isTerminal } from '../../config/command-context.js';
import type { AccessGrantState } from '../../domain/access-grant.js';
import type { CertificateState, LinkState } from '../../domain/issued-certificate.js';

const COLOURS = {
  ready: 'green',
  valid: 'green',
  active: 'green',
  pending: 'yellow',
  early: 'yellow',
  expiring: 'yellow',
  prepared: 'yellow',
  retiring: 'yellow',
  expired: 'red',
  revoked: 'red',
  exhausted: 'gray',
  removed: 'gray',
} as const satisfies Record<AccessGrantState | CertificateState | LinkState, string> & Record<string, string>;

const STATE_COLUMNS: ReadonlySet<string> = new Set(['STATE', 'STATUS']);

/**
 * Returns whether to colour standard output. NO_COLOR prevents it; else CLICOLOR_FORCE (unless it is `0`) forces it; else
 * only a terminal that is not `dumb` gets colours.
 */
export function hasColours(): boolean {
  const { stdout, env } = commandContext();
  if (env.NO_COLOR) return false;
  if (env.CLICOLOR_FORCE && env.CLICOLOR_FORCE !== '0') return true;
  return isTerminal(stdout) && env.TERM !== 'dumb';
}

/** Returns a cell with the colour of its state; other cells are returned as they are. */
export function colouredCell(heading: string, cell: string): string {
  const colour = STATE_COLUMNS.has(heading) ? COLOURS[cell.toLowerCase() as keyof typeof COLOURS] : undefined;
  return colour ? styleText(colour, cell, { validateStream: false }) : cell;
}
