import type { Command } from 'commander';
import { CommandError } from './command-error.js';

/** Each command path (`''` for the program itself) with what may follow it. */
function words(program: Command): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  const visit = (command: Command, path: string) => {
    const options = command.options.filter((option) => !option.hidden).flatMap((option) => option.long ?? []);
    paths.set(path, [...command.commands.map((child) => child.name()), ...options, '--help']);
    for (const child of command.commands) visit(child, `${path} ${child.name()}`.trim());
  };
  visit(program, '');
  return paths;
}

const bash = (
  paths: Map<string, string[]>,
) => `# bash completion for linkgrant: source <(linkgrant completion bash)
_linkgrant() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  local words=""
  case "$path" in
${[...paths]
  .map(([path, next]) => `    "${path}"${path === '' ? '' : `|"${path} "*`}) words="${next.join(' ')}" ;;`)
  .reverse()
  .join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _linkgrant linkgrant
`;

const zsh = (paths: Map<string, string[]>) => `#compdef linkgrant
# zsh completion for linkgrant: source <(linkgrant completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(paths)}`;

const fish = (paths: Map<string, string[]>) => {
  const lines = [...paths].flatMap(([path, next]) => {
    const typed =
      path === ''
        ? 'test (count (commandline -opc)) -eq 1'
        : `string match -q -- "linkgrant ${path}*" (commandline -opc | string join " ")`;
    return next.map((word) =>
      word.startsWith('--')
        ? `complete -c linkgrant -n '${typed}' -l ${word.slice(2)}`
        : `complete -c linkgrant -n '${typed}' -f -a ${word}`,
    );
  });
  return `# fish completion for linkgrant: linkgrant completion fish | source\n${lines.join('\n')}\n`;
};

const SHELLS: Readonly<Record<string, (paths: Map<string, string[]>) => string>> = { bash, zsh, fish };

/** The completion script of `program` for a shell. */
export function completionScript(program: Command, shell: string): string {
  const script = SHELLS[shell];
  if (script) return script(words(program));
  throw new CommandError(`there is no completion for "${shell}"`, {
    exitCode: 2,
    hint: 'use bash, zsh or fish',
  });
}
