// Words that no shell changes. A word that begins with = is the path of a program in zsh.
const PLAIN_WORD = /^[\w@%+:,./-][\w@%+=:,./-]*$/;

/**
 * Returns a text as one word of a command for sh, bash, zsh or fish, in single quotes where needed. fish reads a backslash in
 * single quotes as an escape, so backslashes stand outside the quotes, like single quotes.
 */
export function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${text.replace(/['\\]/g, "'\\$&'")}'`;
}

/** Returns the words as a command for sh, bash, zsh or fish; see {@link shellWord}. */
export function shellCommand(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
