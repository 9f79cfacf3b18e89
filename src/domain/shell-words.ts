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

/** Template tag that returns a command in which each value is one word: shell`linkgrant grant show ${name}`; see {@link shellWord}. */
export function shell(texts: TemplateStringsArray, ...values: readonly string[]): string {
  return texts.map((text, index) => (index === 0 ? '' : shellWord(values[index - 1] ?? '')) + text).join('');
}
