import { type CommandError, usageError } from './command-error.js';

/** A part of a template: a text, the path of values, or parts that are repeated for each value of a path. */
type Part =
  | { readonly text: string }
  | { readonly path: string }
  | { readonly range: string; readonly parts: Part[] };

// Names, wildcards, indexes and slices. Filters and scripts are not supported, so no input is evaluated as code.
const PATH = /^[$@]?(?:\.|(?:\.\.?(?:[\w-]+|\*)|\.?\[(?:\*|\d+|-?\d*:-?\d*|'[^'\]]*')\])+)$/;

function invalid(template: string, cause: string): CommandError {
  return usageError(
    `--output cannot be "jsonpath=${template}": ${cause}`,
    `use paths such as {.items[*].name}, texts such as {"\\n"}, and {range .items[*]}...{end}`,
  );
}

function pathIn(template: string, path: string): string {
  if (!PATH.test(path)) throw invalid(template, `"${path}" is not supported`);
  return path === '.' ? '$' : `$${path.replace(/^[$@]/, '')}`;
}

/**
 * Parses a template of kubectl's `-o jsonpath`: texts, and in braces paths, quoted texts, or `range PATH` and `end`. Throws a
 * CommandError for everything else.
 */
export function parseJsonPath(template: string): readonly Part[] {
  if (!template.includes('{')) throw invalid(template, 'it has no path in braces');
  const root: Part[] = [];
  const open = [root];
  // Every second piece is the content of a pair of braces.
  for (const [at, piece] of template.split(/\{((?:"(?:[^"\\]|\\.)*"|[^{}"])*)\}/).entries()) {
    if (at % 2 === 1) addExpression(template, piece.trim(), open);
    else if (/[{}]/.test(piece)) throw invalid(template, 'its braces do not match');
    else open.at(-1)?.push({ text: piece });
  }
  if (open.length > 1) throw invalid(template, 'it has a {range ...} without {end}');
  return root;
}

/** Adds the content of a pair of braces to the last of the `open` lists of parts. */
function addExpression(template: string, content: string, open: Part[][]): void {
  const parts = open.at(-1);
  if (content === 'end') {
    if (open.length === 1) throw invalid(template, 'it has an {end} without {range ...}');
    open.pop();
  } else if (content.startsWith('range ')) {
    const range = { range: pathIn(template, content.slice(6).trim()), parts: [] };
    parts?.push(range);
    open.push(range.parts);
  } else if (content.startsWith('"')) {
    parts?.push({ text: textIn(template, content) });
  } else {
    parts?.push({ path: pathIn(template, content) });
  }
}

function textIn(template: string, content: string): string {
  try {
    return JSON.parse(content) as string;
  } catch {
    throw invalid(template, `${content} is not a text`);
  }
}

/** Returns the text of a template for a value. The values of a path are separated by spaces; a path without value has no text. */
export async function formatJsonPath(template: string, value: object): Promise<string> {
  // Loaded only here: only this format needs it.
  const { JSONPath } = await import('jsonpath-plus');
  // JSONPath finds nothing in a falsy value, not even the value itself.
  const valuesOf = (path: string, json: object): unknown[] =>
    path === '$' ? [json] : (JSONPath({ path, json, eval: false, wrap: true }) ?? []);
  const textOf = (parts: readonly Part[], json: object): string => {
    const text = (part: Part) => {
      if ('text' in part) return part.text;
      if ('path' in part) return valuesOf(part.path, json).map(formatValue).join(' ');
      return valuesOf(part.range, json)
        .map((item) => textOf(part.parts, item as object))
        .join('');
    };
    return parts.map(text).join('');
  };
  return textOf(parseJsonPath(template), value);
}

function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
