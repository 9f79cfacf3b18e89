import { commandContext } from '../../config/command-context.js';
import { CommandError } from './command-error.js';
import { plainLine, plainText } from './plain-text.js';
import { withProgramName } from './program-name.js';
import { eraseProgress } from './progress.js';

/** The reader has closed standard output (EPIPE), as `head` does when it has enough. */
export class OutputClosed extends CommandError {
  constructor(cause: unknown) {
    super('standard output was closed before everything was read', {
      exitCode: 1,
      hint: 'check the command that reads standard output',
      cause,
    });
  }
}

/**
 * Writes text to standard output, escaped by {@link plainText}. Resolves when all of it was written, or if the reader has closed
 * the stream, which is no error. Rejects with a CommandError if the text cannot be written.
 */
export async function writeOut(text: string): Promise<void> {
  await untilOutputCloses(() => deliver(text));
}

/** Writes a text that must be read, such as a secret; also rejects with OutputClosed if the reader has closed the stream. */
export async function deliver(text: string): Promise<void> {
  await writeStyled(plainText(text));
}

/** Runs an operation that has no other effect than to write, such as a listing. It ends early if the reader closes the stream. */
export async function untilOutputCloses(operation: () => Promise<void>): Promise<void> {
  try {
    await operation();
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  }
}

/** Writes text that can contain colours, and whose values are already escaped; resolves and rejects as {@link deliver} does. */
export async function writeStyled(text: string): Promise<void> {
  eraseProgress();
  try {
    await new Promise<void>((resolve, reject) => {
      commandContext().stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') throw new OutputClosed(error);
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
  commandContext().stderr.write(plainText(options.isForOtherSite ? text : withProgramName(text)));
}

/** Writes lines to standard error. Line breaks in a line are escaped, so that a value from a service cannot add a line. */
export function writeStderrLines(lines: readonly string[]): void {
  writeStderr(lines.map((line) => `${plainLine(line)}\n`).join(''));
}
