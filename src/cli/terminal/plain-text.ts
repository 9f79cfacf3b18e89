// Characters that move a terminal's cursor or change the direction of a line, except tabs, line feeds, and the carriage return in
// a line break of CSV.
const TERMINAL_CONTROLS =
  /[^\P{Cc}\t\n\r]|\r(?!\n)|[\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Escapes the characters that control a terminal as `\uXXXX`, which is equivalent in JSON. */
export function plainText(text: string): string {
  return text.replace(TERMINAL_CONTROLS, escapeCharacter);
}

/** Escapes line breaks and tabs too. */
export function plainLine(text: string): string {
  return plainText(text).replace(/[\t\n]/g, escapeCharacter);
}

/** Template tag that returns a text in which each value is escaped by {@link plainLine}, so that no value can add a line. */
export function plain(
  texts: TemplateStringsArray,
  ...values: readonly (string | number | undefined)[]
): string {
  return String.raw({ raw: texts }, ...values.map((value) => plainLine(String(value))));
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
