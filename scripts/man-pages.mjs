// Writes man pages from the commands and flags of the built program, as Commander writes `--help`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { visibleChildren } from '../dist/cli/completion.js';
import { EXAMPLES } from '../dist/cli/examples.js';
import { createProgram } from '../dist/cli/program.js';

const program = createProgram();

// The values of ExitCode, as the README and docs/reference/cli.md describe them.
const EXIT_STATUS = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'wrong usage or configuration'],
  ['3', 'permanently refused'],
  ['4', 'temporary failure: repeat the command'],
];
const FILES = [
  ['/var/lib/linkgrant', 'data directory of root'],
  ['/var/lib/linkgrant-service', 'data directory of the service that the deb or rpm package installs'],
  ['~/.local/share/linkgrant', 'data directory of other users'],
  ['/etc/linkgrant/linkgrant.env', 'settings of the systemd service, as variables'],
];

/** Escapes a text, so that roff reads neither escapes nor requests in it. */
const text = (string) =>
  string
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\(ga')
    .replaceAll('~', '\\(ti')
    .replace(/^(?=[.'])/gm, '\\&')
    .replace(
      /[^\0-~]/gu,
      (character) => `\\[u${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
const bold = (string) => `\\fB${text(string)}\\fR`;
const section = (title) => `.SH ${title.toUpperCase()}\n`;
const entries = (pairs) => pairs.map(([term, meaning]) => `.TP\n${bold(term)}\n${text(meaning)}\n`).join('');
const pageOf = (names) => names.join('-');

/** The usage of a command and its flags, below the headings that they have in the help. */
function usage(command, heading) {
  const help = command.createHelp();
  const groups = help.groupItems(
    command.options,
    help.visibleOptions(command),
    ({ helpGroupHeading }) => helpGroupHeading ?? 'Options:',
  );
  const flags = [...groups].map(([title, options]) => {
    const pairs = options.map((option) => [help.optionTerm(option), help.optionDescription(option)]);
    return `${heading(title.replace(/:$/, ''))}${entries(pairs)}`;
  });
  return { synopsis: `${bold(help.commandUsage(command))}\n`, flags: flags.join('') };
}

/** The examples of a command; `names` are the words of its path, the name of the program first. */
function examples(names, heading) {
  const [program, ...path] = names;
  const found = EXAMPLES[path.join(' ')] ?? [];
  const items = found.map(([purpose, words]) => `.TP\n${text(purpose)}\n${bold(`${program} ${words}`)}\n`);
  return items.length === 0 ? '' : `${heading}${items.join('')}`;
}

function page(names, command, seeAlso) {
  const { synopsis, flags } = usage(command, section);
  const children = visibleChildren(command);
  const isProgram = names.length === 1;
  const described = children.map((child) => {
    const { synopsis, flags } = usage(child, (title) => `.PP\n${text(title)}:\n`);
    const name = `${command.name()} ${child.name()}`;
    const shown = examples([...names, child.name()], '.PP\nExamples:\n');
    return `.SS ${name}\n${text(child.description())}.\n.PP\n${synopsis}${shown}${flags}`;
  });
  const listed = children.map((child) => [`${pageOf([...names, child.name()])}(1)`, child.description()]);
  return [
    `.TH ${pageOf(names).toUpperCase()} 1 "" "linkgrant ${program.version()}" "User Commands"\n`,
    `${section('Name')}${text(pageOf(names))} \\- ${text(command.description())}\n`,
    `${section('Synopsis')}${synopsis}`,
    children.length === 0 || isProgram ? examples(names, section('Examples')) : '',
    children.length === 0 ? '' : `${section('Commands')}${isProgram ? entries(listed) : described.join('')}`,
    flags,
    `${section('Exit status')}${entries(EXIT_STATUS)}`,
    isProgram ? `${section('Files')}${entries(FILES)}` : '',
    `${section('See also')}${seeAlso.map((name) => `\\fB${text(name)}\\fR(1)`).join(',\n')}\n`,
  ].join('');
}

/** Writes linkgrant.1 into `directory`, and a page for each of its commands, which also describes the subcommands. */
export function writeManPages(directory) {
  mkdirSync(directory, { recursive: true });
  const write = (names, command, seeAlso) =>
    writeFileSync(join(directory, `${pageOf(names)}.1`), page(names, command, seeAlso));
  const name = program.name();
  const commands = visibleChildren(program);
  const pages = commands.map((command) => pageOf([name, command.name()]));
  write([name], program, pages);
  for (const command of commands) write([name, command.name()], command, [name]);
}
