import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { codeLines, PROJECT, readProjectFile, sectionsOf } from './document.js';

const readme = readProjectFile('README.md');
const directory = mkdtempSync(join(tmpdir(), 'linkgrant-readme-'));
const running: ChildProcess[] = [];

afterAll(async () => {
  for (const child of running) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

/** The commands that a section shows, with this machine in place of the one that the README makes up. */
function commandsIn(heading: string): string[][] {
  const section = sectionsOf(readme).find((one) => one.heading === heading);
  return codeLines(section?.text ?? '', 'sh').map((line) =>
    line.replaceAll('grants.example.com', 'localhost').split(/ +/),
  );
}

/** Starts a command in the directory of the side that types it, with its own data directory and any free port. */
function start(side: string, [program, ...words]: readonly string[], skupperHome?: string): ChildProcess {
  expect(program).toBe('linkgrant');
  const cwd = join(directory, side);
  mkdirSync(cwd, { recursive: true });
  const child = spawn(process.execPath, [join(PROJECT, 'dist/main.js'), ...words], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LINKGRANT_DATA_DIR: join(cwd, 'data'),
      LINKGRANT_LISTEN: '127.0.0.1:0',
      LINKGRANT_OPS_LISTEN: 'off',
      ...(skupperHome !== undefined && { LINKGRANT_SKUPPER_HOME: skupperHome }),
    },
  });
  running.push(child);
  return child;
}

async function run(side: string, words: readonly string[], skupperHome?: string): Promise<string> {
  const child = start(side, words, skupperHome);
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => (printed += text));
  const [code] = await once(child, 'close');
  expect(code, `${words.join(' ')}\n${printed}`).toBe(0);
  return printed;
}

async function serve(side: string, words: readonly string[], skupperHome?: string): Promise<void> {
  const { stdout } = start(side, words, skupperHome);
  let printed = '';
  for await (const text of stdout?.setEncoding('utf8') ?? []) {
    printed += text;
    if (printed.includes('Next: linkgrant token issue token.yaml')) return;
  }
  throw new Error(`the service did not start: ${printed}`);
}

describe('README.md', () => {
  it('shows commands that, run as shown, serve, issue, redeem and list', async () => {
    const [first = [], ...accepting] = commandsIn('Accepting side');
    expect(first.slice(0, 2)).toEqual(['linkgrant', 'serve']);
    await serve('accepting', first);
    let told = '';
    for (const words of accepting) told += await run('accepting', words);
    expect(told).toMatch(/^State: +ready$/m);

    // The file is carried over.
    const requesting = join(directory, 'requesting');
    mkdirSync(requesting);
    renameSync(join(directory, 'accepting/token.yaml'), join(requesting, 'token.yaml'));
    for (const words of commandsIn('Requesting side')) told = await run('requesting', words);
    expect(told).toContain('The certificate of "east"');
    const links = join(requesting, 'links');
    expect(readdirSync(links).sort()).toEqual(['Link-to-west.yaml', 'Secret-to-west.yaml']);
    expect(statSync(join(links, 'Secret-to-west.yaml')).mode & 0o777).toBe(0o600);

    let listed = '';
    for (const words of commandsIn('Everyday commands')) listed += await run('accepting', words);
    expect(listed).toMatch(/^to-west +exhausted +1\/1 /m);
    expect(listed).toMatch(/ east +127\.0\.0\.1 | east +::1 /);
  });

  it('shows commands that, run as shown, link one site of a host to another', async () => {
    const home = join(directory, 'skupper');
    cpSync(join(PROJECT, 'test/fixtures/system-site'), join(home, 'namespaces'), { recursive: true });
    const [first = [], ...rest] = commandsIn('Beside a Podman, Docker or Linux site');
    // The name in the recorded router's certificate in place of the one that the README makes up.
    const words = first.map((word) => word.replace('west.example.com', 'vm'));
    await serve('host', words, home);
    let told = '';
    for (const command of rest) told = await run('host', command, home);
    expect(told).toContain('hub');
    const resources = join(home, 'namespaces/east/input/resources');
    expect(readdirSync(resources)).toEqual(expect.arrayContaining(['Link-hub.yaml', 'Secret-hub.yaml']));
    expect(statSync(join(resources, 'Secret-hub.yaml')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(resources, 'Link-hub.yaml'), 'utf8')).toContain('host: "vm"');
  });

  it('names npm scripts that there are', () => {
    const { scripts } = JSON.parse(readProjectFile('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/`npm (?:run )?([a-z:]+)`/g)].map(([, name = '']) => name);
    expect(named).toEqual(['demo', 'test', 'start']);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});

// What belongs to other programs, or stands for any flag.
const OF_OTHERS = [
  '--',
  '--add-port',
  '--add-rich-rule',
  '--all',
  '--all-namespaces',
  '--allow-scripts',
  '--build-arg',
  '--cacert',
  '--clusterrole',
  '--create-namespace',
  '--enable-link-access',
  '--from-file',
  '--global',
  '--heap-growing-percent',
  '--help',
  '--init',
  '--now',
  '--omit',
  '--permanent',
  '--redemptions',
  '--reload',
  '--sbom-format',
  '--server-side',
  '--serviceaccount',
  '--set',
  '--tag',
  '--type',
  '--volumes',
];

const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(PROJECT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
];

describe.each(documents)('%s', (path) => {
  const text = readProjectFile(path);

  it('links to files that there are', () => {
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
      expect(existsSync(join(PROJECT, dirname(path), target)), target).toBe(true);
    }
  });

  it('names files of the source that there are', () => {
    for (const [, file = ''] of text.matchAll(/`(src\/[a-z0-9/-]+\.ts|scripts\/[a-z-]+\.mjs)`/g)) {
      expect(existsSync(join(PROJECT, file)), file).toBe(true);
    }
  });

  it('names flags that some command has', () => {
    const program = createProgram({ clock: Date.now, checkpoint: () => undefined });
    const commands = [program, ...program.commands, ...program.commands.flatMap((noun) => noun.commands)];
    const flags = new Set(commands.flatMap((command) => command.options.map(({ long }) => long)));
    const others = new Set(OF_OTHERS);
    const named = [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag);
    for (const flag of named) if (!others.has(flag)) expect([...flags]).toContain(flag);
  });
});
