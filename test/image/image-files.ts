import { readFileSync } from 'node:fs';

/** One instruction of a Dockerfile: its word in capitals, and the rest of its (joined) line. */
export interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** The stages of a Dockerfile, each the instructions from its FROM on; comments are gone and continued lines joined. */
export function readStages(path: string): Instruction[][] {
  const lines = readFileSync(path, 'utf8')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (word === 'FROM') stages.push([]);
    stages.at(-1)?.push({ word, rest });
  }
  return stages;
}

/** The flags, sources and target of a COPY instruction. */
export function readCopy(rest: string): {
  readonly flags: Readonly<Record<string, string>>;
  readonly from: readonly string[];
  readonly to: string;
} {
  const words = rest.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const paths = words.filter((word) => !word.startsWith('--'));
  return {
    flags: Object.fromEntries(flags.map((flag) => flag.slice(2).split('=', 2) as [string, string])),
    from: paths.slice(0, -1),
    to: paths.at(-1) ?? '',
  };
}

/** The variables of an ENV instruction. */
export function readEnv(rest: string): Record<string, string> {
  return Object.fromEntries(rest.split(/\s+/).map((pair) => pair.split('=', 2) as [string, string]));
}
