import type { Command, Option } from 'commander';
import { choicesOf } from '../config/setting-schemas.js';
import { LINK_ROLES } from '../domain/link.js';
import { withFlagValue } from './completion-line.js';
import { ARGUMENT_NAMES, commandAt, FLAG_NAMES, namesFor } from './completion-names.js';
import { usageError } from './terminal/command-error.js';
import { LISTING_FORMATS } from './terminal/output-format.js';

/** A flag that takes a value: its spellings and its possible values. `names` stands for names that the program has to look up. */
interface ValueFlag {
  readonly flags: readonly string[];
  readonly values: readonly string[] | 'names' | undefined;
}

interface NextWords {
  /** Commands, or the values that an argument can have. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
  readonly valueFlags: readonly ValueFlag[];
  /** True if the argument of the command is the name of an existing resource. */
  readonly hasNames: boolean;
}

type Paths = ReadonlyMap<string, NextWords>;

/** Returns the command paths with what may follow each; `''` is the program. A path comes before those of its subcommands. */
function pathsOf(program: Command): Paths {
  const paths = new Map<string, NextWords>();
  const visit = (command: Command, path: string) => {
    paths.set(path, nextWords(command, path));
    for (const child of visibleChildren(command)) visit(child, `${path} ${child.name()}`.trim());
  };
  visit(program, '');
  return paths;
}

/** Returns the visible subcommands, without the implicit command `help`. */
export function visibleChildren(command: Command): readonly Command[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.filter((child) => command.commands.includes(child));
}

function nextWords(command: Command, path: string): NextWords {
  const visible = command.options.filter((option) => !option.hidden);
  const commands = visibleChildren(command).map((child) => child.name());
  return {
    words: path === 'completion' ? Object.keys(SHELLS) : commands,
    flags: [...visible.flatMap((option) => option.long ?? []), '--help'],
    valueFlags: visible.filter(({ required }) => required).map((option) => valueFlag(option, visible)),
    hasNames: path in ARGUMENT_NAMES,
  };
}

function valueFlag(option: Option, options: readonly Option[]): ValueFlag {
  const { short, long = '', argChoices } = option;
  const isListing = options.some((other) => other.long === '--no-headers');
  const known: Readonly<Record<string, readonly string[]>> = {
    '--endpoint-roles': LINK_ROLES,
    '--output': isListing ? LISTING_FORMATS : ['json', 'yaml'],
  };
  const values =
    long in FLAG_NAMES ? 'names' : (argChoices ?? known[long] ?? choicesOf(option.attributeName()));
  return { flags: short === undefined ? [long] : [short, long], values };
}

/** Returns `case` patterns: a command path, any arguments, a space and a flag. */
function flagPatterns(path: string, flags: readonly string[]): string {
  return flags.map((flag) => `"${path}"*" ${flag}"`).join('|');
}

// If no word of linkgrant matches, the shell completes file names. zsh runs this script too: there `path` and `words` are special
// variables, and the length in `${name:offset:length}` must begin with a digit or $. bash passes as $2 the part of the current
// word after the last of its word breaks, such as `=`, `:` and `@`, and replaces only this part; zsh passes the whole word. Names
// are added in a loop, because `compgen -W` would run the commands in them.
const bash = (paths: Paths) => `# bash completion for linkgrant: source <(linkgrant completion bash)
_linkgrant() {
  local line="\${COMP_LINE:0:$COMP_POINT}"
  local current="\${line##*[[:space:]]}"
  local before="\${line%"$current"}"
  before="\${before%"\${before##*[![:space:]]}"}"
  local previous="\${before##*[[:space:]]}" unchanged="\${current%"$2"}" flag=""
  local typed="" word following="" flags="" names=""
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do
    case "$word" in -*) break ;; *) typed="\${typed:+$typed }$word" ;; esac
  done
  case "$typed" in
${[...paths]
  .map(([path, { words, flags, hasNames }]) => {
    const pattern = path === '' || words.length > 0 ? `"${path}"` : `"${path}"|"${path} "*`;
    const names = hasNames ? ' names=yes' : '';
    return `    ${pattern}) following="${words.join(' ')}" flags="${flags.join(' ')}"${names} ;;`;
  })
  .join('\n')}
  esac
  case "$current" in
    --*=*) previous="\${current%%=*}" flag="\${current%%=*}=" following="" names="" ;;
  esac
  case "$typed $previous" in
${[...paths]
  .flatMap(([path, { valueFlags }]) =>
    valueFlags.map(({ flags, values }) => {
      const names = values === 'names' ? 'yes' : '';
      const following = typeof values === 'object' ? values.join(' ') : '';
      return `    ${flagPatterns(path, flags)}) following="${following}" names="${names}" ;;`;
    }),
  )
  .join('\n')}
  esac
  if [ -z "$flag" ] && [ "\${current:0:1}" = - ]; then following="$flags" names=""; fi
  if [ "$names" ]; then following="$("\${COMP_WORDS[0]}" __complete "$line" 2>/dev/null)"; fi
  COMPREPLY=()
  for word in $following; do
    word="$flag$word"
    case "$word" in "$current"*) COMPREPLY+=("\${word#"$unchanged"}") ;; esac
  done
}
complete -o default -F _linkgrant linkgrant
`;

const zsh = (paths: Paths) => `#compdef linkgrant
# zsh completion for linkgrant, after compinit: source <(linkgrant completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(paths)}# If this is the file _linkgrant in a directory of fpath, zsh calls it as a function for the first completion.
[ "\${funcstack[1]}" = _linkgrant ] && _bash_complete -o default -F _linkgrant
true
`;

const FISH_NAMES = "-a '(linkgrant __complete (commandline -cp) 2>/dev/null)'";

const fish = (paths: Paths) => {
  const typed = '(commandline -opc | string join " ")';
  const lines = [...paths].flatMap(([path, { words, flags, valueFlags, hasNames }]) => {
    const command = `linkgrant ${path}`.trim();
    const exactly = `test ${typed} = "${command}"`;
    const within = path === '' || words.length > 0 ? exactly : `string match -q -- "${command}*" ${typed}`;
    const valueFor = (flag: string) => {
      const found = valueFlags.find((one) => one.flags.includes(flag));
      if (!found) return '';
      const short = found.flags.length > 1 ? ` -s ${found.flags[0]?.slice(1)}` : '';
      if (found.values === 'names') return `${short} -x ${FISH_NAMES}`;
      return found.values ? `${short} -x -a '${found.values.join(' ')}'` : `${short} -r`;
    };
    return [
      ...words.map((word) => `complete -c linkgrant -n '${exactly}' -f -a ${word}`),
      ...flags.map((flag) => `complete -c linkgrant -n '${within}' -l ${flag.slice(2)}${valueFor(flag)}`),
      ...(hasNames ? [`complete -c linkgrant -n '${within}' -f ${FISH_NAMES}`] : []),
    ];
  });
  return `# fish completion for linkgrant: linkgrant completion fish | source\n${lines.join('\n')}\n`;
};

const SHELLS: Readonly<Record<string, (paths: Paths) => string>> = { bash, zsh, fish };

/** The completion script of `program` for a shell. */
export function completionScript(program: Command, shell: string): string {
  const script = SHELLS[shell];
  if (script) return script(pathsOf(program));
  throw usageError(`there is no completion for "${shell}"`, 'use bash, zsh or fish');
}

// Cobra's ShellCompDirectiveDefault, with which the shell adds file names, and ShellCompDirectiveNoFileComp.
const FILE_NAMES = 0;
const NO_FILE_NAMES = 4;

/**
 * Returns the response to kubectl's request to complete the last of `words`: a line for each possible word, then a colon and the
 * number of a directive of Cobra.
 */
export async function kubectlCompletion(program: Command, words: readonly string[]): Promise<string> {
  const line = withFlagValue(words);
  const current = line.at(-1) ?? '';
  const { command, path, rest } = commandAt(program, line.slice(0, -1));
  const { words: commands, flags, valueFlags } = nextWords(command, path);
  const values = valueFlags.find((flag) => flag.flags.includes(rest.at(-1) ?? ''))?.values;
  const following = typeof values === 'object' ? values : rest.length === 0 ? commands : [];
  const isFlag = current.startsWith('-');
  const matching = (isFlag ? flags : following).filter((word) => word.startsWith(current));
  if (!isFlag) matching.push(...(await namesFor(program, words)));
  const directive = isFlag || following.length > 0 || matching.length > 0 ? NO_FILE_NAMES : FILE_NAMES;
  return `${[...matching, `:${directive}`].join('\n')}\n`;
}
