import { processContext } from '../../config/process-context.js';
import { plainText } from './plain-text.js';

/** Writes text to standard error, without characters that control a terminal. */
export function writeStderr(text: string): void {
  processContext().stderr.write(plainText(text));
}
