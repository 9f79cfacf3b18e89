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

/**
 * Returns `text` as an operand of a command, such as a name or a file; it is not quoted yet. If it begins with -, it is prefixed
 * with `./`, so that no program reads it as a flag. The path of a file stays the same, and no valid name begins with -.
 */
export function operand(text: string): string {
  return text.startsWith('-') ? `./${text}` : text;
}

// The end of the text before the value of a flag: `-n `, `--grant ` or `--grant=`.
const FLAG = /(^|\s)-{1,2}[\w-]+[ =]$/;

/**
 * Template tag that returns a command in which each value is one word, either the value of the flag before it or an operand:
 * shell`linkgrant grant show ${name} -n ${namespace}`; see {@link shellWord} and {@link operand}.
 */
export function shell(texts: TemplateStringsArray, ...values: readonly string[]): string {
  const wordAfter = (text: string, value: string) => shellWord(FLAG.test(text) ? value : operand(value));
  return texts
    .map((text, index) => text + (index < values.length ? wordAfter(text, values[index] ?? '') : ''))
    .join('');
}
