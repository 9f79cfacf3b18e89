import { processContext } from '../../config/process-context.js';
import { CommandError } from './command-error.js';
import { plainLine, plainText } from './plain-text.js';
import { withProgramName } from './program-name.js';
import { eraseProgress } from './progress.js';

/** The reader has closed standard output (EPIPE). The program then exits without a message. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/**
 * Writes text to standard output, escaped by {@link plainText}. Resolves when all of it was written. Rejects with
 * OutputClosed if the reader has closed the stream, and with a CommandError if the text cannot be written.
 */
export async function writeOut(text: string): Promise<void> {
  await writeStyled(plainText(text));
}

/** Writes text that can contain colours, and whose values are already escaped; resolves and rejects as {@link writeOut} does. */
export async function writeStyled(text: string): Promise<void> {
  eraseProgress();
  try {
    await new Promise<void>((resolve, reject) => {
      processContext().stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') throw new OutputClosed('the reader closed standard output', { cause: error });
    throw new CommandError(`standard output cannot be written (${code})`, {
      exitCode: 1,
      hint: 'check the file or device that standard output is redirected to',
      cause: error,
    });
  }
}

/**
 * Writes text to standard error, escaped by {@link plainText}. Commands in it begin with the words that started this program
 * ({@link withProgramName}), unless the text is for another site: there linkgrant may not be a kubectl plugin.
 */
export function writeStderr(text: string, options: { readonly isForOtherSite?: boolean } = {}): void {
  eraseProgress();
  processContext().stderr.write(plainText(options.isForOtherSite ? text : withProgramName(text)));
}

/** Writes lines to standard error. Line breaks in a line are escaped, so that a value from a service cannot add a line. */
export function writeStderrLines(lines: readonly string[]): void {
  writeStderr(lines.map((line) => `${plainLine(line)}\n`).join(''));
}
