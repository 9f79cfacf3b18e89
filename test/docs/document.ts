import { readFileSync } from 'node:fs';
import { PROJECT } from '../support/programs.js';

/** The text of a file, by its path from the top of the checkout. */
export function readProjectFile(path: string): string {
  return readFileSync(`${PROJECT}/${path}`, 'utf8');
}

/** A part of a Markdown document. */
export interface Section {
  /** The text of its heading, without backticks. */
  readonly heading: string;
  readonly level: number;
  /** The text between its heading and the next one of any level. */
  readonly text: string;
}

/** The sections of a Markdown document in order; lines in code blocks are not headings. */
export function sectionsOf(markdown: string): Section[] {
  const sections: { heading: string; level: number; text: string }[] = [];
  let inBlock = false;
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) inBlock = !inBlock;
    const heading = inBlock ? null : /^(#+) (.+)$/.exec(line);
    const last = sections.at(-1);
    if (heading) {
      const [, marks = '', title = ''] = heading;
      sections.push({ heading: title.replaceAll('`', ''), level: marks.length, text: '' });
    } else if (last) {
      last.text += `${line}\n`;
    }
  }
  return sections;
}

/** The lines of the code blocks of `language` in a Markdown text. */
export function codeLines(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```$/gm)]
    .filter(([, found]) => found === language)
    .flatMap(([, , code = '']) => code.split('\n').map((line) => line.trim()))
    .filter((line) => line !== '');
}
