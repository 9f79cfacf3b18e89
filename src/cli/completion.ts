import type { Command } from 'commander';
import { CommandError } from './terminal/command-error.js';

/** The words and flags that may follow a command path. */
interface NextWords {
  /** Commands, or the values that an argument can have. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
}

type Paths = ReadonlyMap<string, NextWords>;

/** The command paths with the words that may follow each; `''` is the program. A path comes before its subcommands. */
function pathsOf(program: Command): Paths {
  const paths = new Map<string, NextWords>();
  const visit = (command: Command, path: string) => {
    const visible = command.options.filter((option) => !option.hidden);
    const flags = [...visible.flatMap((option) => option.long ?? []), '--help'];
    const words = command.commands.map((child) => child.name());
    paths.set(path, { words: path === 'completion' ? Object.keys(SHELLS) : words, flags });
    for (const child of command.commands) visit(child, `${path} ${child.name()}`.trim());
  };
  visit(program, '');
  return paths;
}

// If no word of linkgrant matches, the shell completes file names. In zsh `path` and `words` are reserved variables.
const bash = (paths: Paths) => `# bash completion for linkgrant: source <(linkgrant completion bash)
_linkgrant() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed="" word following="" flags=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) typed="\${typed:+$typed }$word" ;; esac
  done
  case "$typed" in
${[...paths]
  .map(([path, { words, flags }]) => {
    const pattern = path === '' || words.length > 0 ? `"${path}"` : `"${path}"|"${path} "*`;
    return `    ${pattern}) following="${words.join(' ')}" flags="${flags.join(' ')}" ;;`;
  })
  .join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$following" -- "$current")) ;;
  esac
}
complete -o default -F _linkgrant linkgrant
`;

const zsh = (paths: Paths) => `#compdef linkgrant
# zsh completion for linkgrant, after compinit: source <(linkgrant completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(paths)}`;

const fish = (paths: Paths) => {
  const typed = '(commandline -opc | string join " ")';
  const lines = [...paths].flatMap(([path, { words, flags }]) => {
    const command = `linkgrant ${path}`.trim();
    const exactly = `test ${typed} = "${command}"`;
    const within = path === '' || words.length > 0 ? exactly : `string match -q -- "${command}*" ${typed}`;
    return [
      ...words.map((word) => `complete -c linkgrant -n '${exactly}' -f -a ${word}`),
      ...flags.map((flag) => `complete -c linkgrant -n '${within}' -l ${flag.slice(2)}`),
    ];
  });
  return `# fish completion for linkgrant: linkgrant completion fish | source\n${lines.join('\n')}\n`;
};

const SHELLS: Readonly<Record<string, (paths: Paths) => string>> = { bash, zsh, fish };

/** The completion script of `program` for a shell. */
export function completionScript(program: Command, shell: string): string {
  const script = SHELLS[shell];
  if (script) return script(pathsOf(program));
  throw new CommandError(`there is no completion for "${shell}"`, {
    exitCode: 2,
    hint: 'use bash, zsh or fish',
  });
}

// What a shell does after kubectl's completions, as a number of Cobra: it adds file names, or it does not.
const FILE_NAMES = 0;
const NO_FILE_NAMES = 4;

/**
 * Answers kubectl's request to complete `words`, of which the last may be incomplete: a line for each word that may follow,
 * then a colon and the number of a directive of Cobra.
 */
export function kubectlCompletion(program: Command, words: readonly string[]): string {
  const current = words.at(-1) ?? '';
  const typed = words.slice(0, -1);
  const firstFlag = typed.findIndex((word) => word.startsWith('-'));
  const plain = firstFlag === -1 ? typed : typed.slice(0, firstFlag);
  const paths = pathsOf(program);
  // The words after the longest path are arguments.
  const depth =
    plain.map((_, index) => plain.length - index).find((length) => paths.has(pathOf(plain, length))) ?? 0;
  const { words: commands = [], flags = [] } = paths.get(pathOf(plain, depth)) ?? {};
  const isFlag = current.startsWith('-');
  const following = depth === plain.length ? commands : [];
  const matching = (isFlag ? flags : following).filter((word) => word.startsWith(current));
  const directive = isFlag || following.length > 0 ? NO_FILE_NAMES : FILE_NAMES;
  return `${[...matching, `:${directive}`].join('\n')}\n`;
}

function pathOf(words: readonly string[], length: number): string {
  return words.slice(0, length).join(' ');
}
