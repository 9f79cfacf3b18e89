import { createInterface } from 'node:readline';
import { commandContext, isTerminal } from '../../config/command-context.js';
import { writeStderr } from './write-out.js';

/** True if the user can read a question and answer it. */
export function canAsk(): boolean {
  const { stdin, stderr } = commandContext();
  return isTerminal(stdin) && isTerminal(stderr);
}

/** Asks a question on the terminal. Resolves with true for `y` or `yes`, else with false. */
export async function askYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: commandContext().stdin, terminal: false });
  writeStderr(`${question} [y/N] `);
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
