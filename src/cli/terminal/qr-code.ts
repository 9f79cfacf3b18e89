import { commandContext, isTerminal } from '../../config/command-context.js';

// The standard requires a quiet zone of 4 modules. With 2, the QR code of a typical join line fits on a terminal with 24 rows.
const BORDER = 2;

/** Draws a text as a QR code on standard error. */
export async function drawQrCode(text: string): Promise<void> {
  const { renderUnicodeCompact } = await import('uqr');
  const drawn = renderUnicodeCompact(text, { border: BORDER });
  const { stderr } = commandContext();
  // Scanners need dark modules on a light background. The drawn blocks are the light modules. They are drawn white on black,
  // because in the colours of a light terminal the code would be inverted.
  stderr.write(`${isTerminal(stderr) ? drawn.replace(/^.*$/gm, '\x1b[97;40m$&\x1b[0m') : drawn}\n`);
}
