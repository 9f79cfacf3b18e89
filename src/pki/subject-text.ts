import { COMMON_NAME, nameAttributes } from './distinguished-name.js';

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};

/**
 * A certificate's Name (DER) as people read it: its last common name, else its attributes as `O=Example, OU=Sites`, else
 * `(no name)`. Characters that a terminal would act on are replaced. Throws DerError if it is no Name.
 */
export function subjectText(nameDer: Uint8Array): string {
  const attributes = nameAttributes(nameDer);
  const text =
    attributes.findLast(({ type }) => type === COMMON_NAME)?.text ??
    attributes.map(({ type, text }) => `${SHORT_NAMES[type] ?? type}=${text}`).join(', ');
  return text.replace(UNPRINTABLE, '\ufffd') || '(no name)';
}
