import { processContext } from '../../config/process-context.js';
import { plainText } from './plain-text.js';

/** Writes lines for people to standard error; what others put into them acts on no terminal. */
export function tell(text: string): void {
  processContext().stderr.write(plainText(text));
}
