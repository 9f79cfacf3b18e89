// What moves a terminal's cursor or turns the direction of a line; tabs and new lines are left to who knows the shape,
// and so is the carriage return of a line break in CSV.
const ACTS_ON_TERMINALS =
  /[^\P{Cc}\t\n\r]|\r(?!\n)|[\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text as a terminal only shows it: what would act on one is written as `\uXXXX`, which JSON takes for the same. */
export function plainText(text: string): string {
  return text.replace(ACTS_ON_TERMINALS, escaped);
}

/** The same in one line: new lines and tabs are written so too. */
export function plainLine(text: string): string {
  return plainText(text).replace(/[\t\n]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
