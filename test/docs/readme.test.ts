import { cpSync, existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { PROJECT } from '../support/programs.js';
import { releaseAfterFile } from '../support/release.js';
import { codeLines, readProjectFile, sectionsOf } from './document.js';
import { ShownCommands } from './shown-commands.js';

const readme = readProjectFile('README.md');
const commands = releaseAfterFile(new ShownCommands());

/** The commands in a text, with this machine as the host. */
const commandsIn = (text: string): string[][] =>
  codeLines(text, 'sh').map((line) => line.replaceAll('grants.example.com', 'localhost').split(/ +/));

const commandsBelow = (heading: string) =>
  commandsIn(sectionsOf(readme).find((one) => one.heading === heading)?.text ?? '');

describe('README.md', () => {
  it('shows commands that serve, link a site by request and one by token, and list the redemptions', async () => {
    const accepting = join(commands.directory, 'accepting');
    const requesting = join(commands.directory, 'requesting');
    const [serve = [], ...others] = commandsBelow('Accepting side');
    expect(serve.slice(0, 2)).toEqual(['linkgrant', 'serve']);
    await commands.serve('accepting', serve);
    for (const words of others) await commands.run('accepting', words);

    const [request = [], issue = []] = commandsBelow('Link a site without a secret');
    await commands.run('requesting', request);
    renameSync(join(requesting, 'east.csr'), join(accepting, 'east.csr'));
    const line = /^lgj1_\S+$/m.exec(await commands.run('accepting', issue))?.[0] ?? 'no line';
    await commands.run('requesting', ['linkgrant', 'join', line, '--to', 'links']);
    const links = join(requesting, 'links');
    expect(readdirSync(links).sort()).toEqual(['Link-to-west.yaml', 'Secret-to-west.yaml']);
    expect(statSync(join(links, 'Secret-to-west.yaml')).mode & 0o777).toBe(0o600);

    const byToken = commandsBelow('Link a Skupper site with a token');
    let output = '';
    for (const words of byToken.slice(0, 2)) output += await commands.run('accepting', words);
    expect(output).toMatch(/^State: +ready$/m);
    renameSync(join(accepting, 'token.yaml'), join(requesting, 'token.yaml'));
    for (const words of byToken.slice(2)) output = await commands.run('requesting', words);
    expect(output).toContain('The certificate of "north"');

    const listed = await commands.run('accepting', ['linkgrant', 'redemption', 'list']);
    expect(listed).toMatch(/ east +127\.0\.0\.1 | east +::1 /);
    expect(listed).toMatch(/ north +127\.0\.0\.1 | north +::1 /);
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readProjectFile('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/`npm (?:run )?([a-z:]+)`/g)].map(([, name = '']) => name);
    expect(named).toEqual(expect.arrayContaining(['demo', 'test', 'start', 'package']));
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });
});

it('docs/how-to/system-sites.md shows commands that link one site of a host to another', async () => {
  const home = join(commands.directory, 'skupper');
  cpSync(join(PROJECT, 'test/fixtures/system-site'), join(home, 'namespaces'), { recursive: true });
  const [first = [], ...rest] = commandsIn(readProjectFile('docs/how-to/system-sites.md'));
  // The recorded router's certificate names the host vm.
  const words = first.map((word) => word.replace('west.example.com', 'vm'));
  await commands.serve('host', words, home);
  let output = '';
  for (const command of rest) output = await commands.run('host', command, home);
  expect(output).toContain('hub');
  const resources = join(home, 'namespaces/east/input/resources');
  expect(readdirSync(resources)).toEqual(expect.arrayContaining(['Link-hub.yaml', 'Secret-hub.yaml']));
  expect(statSync(join(resources, 'Secret-hub.yaml')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(resources, 'Link-hub.yaml'), 'utf8')).toContain('host: "vm"');
});

// Flags of other programs.
const OTHER_FLAGS = [
  '--add-port',
  '--add-rich-rule',
  '--archive',
  '--build-arg',
  '--cacert',
  '--clusterrole',
  '--create-namespace',
  '--data-urlencode',
  '--delete',
  '--enable-link-access',
  '--extract',
  '--field-selector',
  '--file',
  '--for',
  '--from-file',
  '--from-literal',
  '--global',
  '--heap-growing-percent',
  '--help',
  '--ignore-missing',
  '--ignore-not-found',
  '--ignore-scripts',
  '--init',
  '--manifest',
  '--now',
  '--omit',
  '--only',
  '--patch',
  '--permanent',
  '--raw',
  '--reload',
  '--sbom-format',
  '--server-side',
  '--serviceaccount',
  '--set',
  '--tag',
  '--type',
  '--verify',
  '--volumes',
];

const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(PROJECT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
];

/** The anchor that a heading gets when the document is shown. */
function anchorOf({ heading }: { readonly heading: string }): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

describe.each(documents)('%s', (path) => {
  const text = readProjectFile(path);

  it('links to files and headings that exist', () => {
    for (const [, target = '', , heading] of text.matchAll(/\]\((?!https?:)([^)#]*)(#([^)]+))?\)/g)) {
      const file = target === '' ? path : join(dirname(path), target);
      expect(existsSync(join(PROJECT, file)), target).toBe(true);
      if (heading) expect(sectionsOf(readProjectFile(file)).map(anchorOf), target).toContain(heading);
    }
  });

  it('shows images that exist', () => {
    for (const [, target = ''] of text.matchAll(/ src(?:set)?="([^"]+)"/g)) {
      expect(existsSync(join(PROJECT, dirname(path), target)), target).toBe(true);
    }
  });

  it('names source files that exist', () => {
    for (const [, file = ''] of text.matchAll(/`(src\/[a-z0-9/-]+\.ts|scripts\/[a-z-]+\.mjs)`/g)) {
      expect(existsSync(join(PROJECT, file)), file).toBe(true);
    }
  });

  it('names flags that a command has', () => {
    const program = createProgram();
    const commands = [program, ...program.commands, ...program.commands.flatMap((noun) => noun.commands)];
    const flags = new Set(commands.flatMap((command) => command.options.map(({ long }) => long)));
    const others = new Set(OTHER_FLAGS);
    const named = [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([flag]) => flag);
    for (const flag of named) if (!others.has(flag)) expect([...flags]).toContain(flag);
  });
});
