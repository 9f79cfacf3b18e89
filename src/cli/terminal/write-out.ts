import { processContext } from '../../config/process-context.js';
import { CommandError } from './command-error.js';
import { plainText } from './plain-text.js';

/** Whoever read standard output has stopped reading. That is for a reader to decide, so nothing is said of it. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/**
 * Writes text to standard output, with what would act on a terminal as {@link plainText} has it, and resolves once it is handed over whole. Rejects with OutputClosed when nobody reads it
 * any more, and with a CommandError when it cannot be written.
 */
export async function writeOut(text: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      processContext().stdout.write(plainText(text), (error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') throw new OutputClosed('nobody reads standard output', { cause: error });
    throw new CommandError(`standard output cannot be written (${code})`, {
      exitCode: 1,
      hint: 'see that there is room where it leads to',
      cause: error,
    });
  }
}
