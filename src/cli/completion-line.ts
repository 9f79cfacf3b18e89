import type { Environment } from '../config/command-context.js';

// White space, a part in single quotes, a part in double quotes, or an unquoted part. The last quote may still be open.
const PARTS = /(\s+)|'([^']*)(?:'|$)|"((?:\\.|[^"\\])*)(?:"|$)|((?:\\.|[^\s'"\\])+)|\\$/gs;

/**
 * Returns the words of the beginning of a command line as a shell reads them: without quotes, and with `~` and the variables of
 * the environment replaced. Nothing else is expanded, and no command is run. The last word is the one to complete; it can be
 * empty.
 */
export function wordsOfLine(line: string, env: Environment): string[] {
  const words: string[] = [''];
  for (const [, space, single, double, plain] of line.matchAll(PARTS)) {
    if (space !== undefined) {
      words.push('');
      continue;
    }
    const isStart = words.at(-1) === '';
    const unquoted = isStart ? plain?.replace(/^~(?=\/|$)/, env.HOME ?? '~') : plain;
    words[words.length - 1] += single ?? expanded(double ?? unquoted ?? '', env);
  }
  return words;
}

function expanded(text: string, env: Environment): string {
  return text.replace(
    /\\(.)|\$(?:(\w+)|\{(\w+)\})/gs,
    (_, escaped: string | undefined, bare: string | undefined, braced: string | undefined) =>
      escaped ?? env[bare ?? braced ?? ''] ?? '',
  );
}

/** Returns these words with a last word such as `--output=js` as two words, the flag and the beginning of its value. */
export function withFlagValue(words: readonly string[]): readonly string[] {
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(words.at(-1) ?? '') ?? [];
  return flag === undefined || value === undefined ? words : [...words.slice(0, -1), flag, value];
}
