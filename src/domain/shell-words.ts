// Words that no shell changes. A word that begins with = is the path of a program in zsh.
const PLAIN_WORD = /^[\w@%+:,./-][\w@%+=:,./-]*$/;

// Characters without a glyph: controls, formats, unassigned ones, line and paragraph separators. In a command that is pasted
// into a terminal, ETX acts as Ctrl+C also within quotes, and a line break then runs the rest.
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Returns a text as one word of a command for sh, bash, zsh or fish, in single quotes where needed. fish reads a backslash in
 * single quotes as an escape, so backslashes stand outside the quotes, like single quotes. Each invisible character becomes
 * U+FFFD: no valid name has one, and a command that is copied must not control the terminal into which it is pasted.
 */
export function shellWord(text: string): string {
  const visible = text.replace(INVISIBLE, '\ufffd');
  return PLAIN_WORD.test(visible) ? visible : `'${visible.replace(/['\\]/g, "'\\$&'")}'`;
}

/** Returns the words as a command for sh, bash, zsh or fish; see {@link shellWord}. */
export function shellCommand(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** Template tag that returns a command in which each value is one word: shell`linkgrant grant show ${name}`; see {@link shellWord}. */
export function shell(texts: TemplateStringsArray, ...values: readonly string[]): string {
  return texts.map((text, index) => (index === 0 ? '' : shellWord(values[index - 1] ?? '')) + text).join('');
}
