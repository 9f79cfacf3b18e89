import { DerReader, TAG } from './der.js';
import { commonName } from './distinguished-name.js';

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};

/**
 * A certificate's Name (DER) as people read it: its common name, else its attributes as `O=Example, OU=Sites`, else
 * `(no name)`. Characters that a terminal would act on are replaced. Throws DerError if it is no Name.
 */
export function subjectText(nameDer: Uint8Array): string {
  const text = commonName(nameDer) ?? attributesText(nameDer);
  return text.replace(UNPRINTABLE, '\ufffd') || '(no name)';
}

function attributesText(nameDer: Uint8Array): string {
  const texts: string[] = [];
  const sets = new DerReader(nameDer).enter(TAG.sequence);
  while (!sets.done) {
    const attributes = sets.enter(TAG.set);
    while (!attributes.done) {
      const attribute = attributes.enter(TAG.sequence);
      const type = attribute.readOid();
      texts.push(`${SHORT_NAMES[type] ?? type}=${Buffer.from(attribute.read().content).toString('utf8')}`);
    }
  }
  return texts.join(', ');
}
