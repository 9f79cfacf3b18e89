import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectSuccess, linkgrant } from '../support/command-line.js';
import { MAIN } from '../support/programs.js';
import { releaseAfterFile } from '../support/release.js';
import { listenLocally } from '../support/servers/local-server.js';
import { until } from '../support/until.js';

const { place, data, issue } = await openAcceptingSite();
const silent = releaseAfterFile(await listenLocally(createServer()));
const redeem = [
  ...['token', 'redeem', await issue('fleet'), '--to', place.path('links')],
  ...['--data-dir', place.path('requesting'), '--timeout', '5s'],
  ...['--connect-to', `::127.0.0.1:${silent.port}`],
];

/** A shell on a terminal. */
class Terminal {
  screen = '';
  readonly #shell;

  constructor() {
    this.#shell = spawn('script', ['-qfec', 'bash --norc --noediting -i', '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: place.directory, TERM: 'xterm', PS1: 'ready> ' },
    });
    this.#shell.stdout.setEncoding('utf8').on('data', (text: string) => (this.screen += text));
    this.#shell.stderr.resume();
  }

  type(text: string): void {
    this.#shell.stdin.write(text);
  }

  /** Runs linkgrant, then prints its exit code. `co""de` keeps the echoed command from matching `code `. */
  run(words: readonly string[]): void {
    const command = [process.execPath, MAIN, ...words].map((word) => `'${word}'`).join(' ');
    this.type(`${command}; echo "co""de $?"\n`);
  }

  close(): void {
    this.#shell.stdin.end('\nexit\n');
    this.#shell.kill('SIGHUP');
  }
}

async function onTerminal(operation: (terminal: Terminal) => Promise<void>): Promise<string> {
  const terminal = new Terminal();
  try {
    await until(() => terminal.screen.endsWith('ready> '));
    await operation(terminal);
    return terminal.screen.replaceAll('\r\x1b[K', '⌫');
  } catch (error) {
    throw new Error(`the terminal shows ${JSON.stringify(terminal.screen)}`, { cause: error });
  } finally {
    terminal.close();
  }
}

const waitForExit = (terminal: Terminal) => until(() => terminal.screen.includes('code '));

/** Runs a command on a terminal to its end. Returns the screen. */
const screenOf = (words: readonly string[]) =>
  onTerminal(async (terminal) => {
    terminal.run(words);
    await waitForExit(terminal);
  });

describe('a redemption at a server that does not answer', () => {
  it('shows one progress line on a terminal, and erases it before the error', async () => {
    const screen = await screenOf(redeem);
    expect(screen).toMatch(/⌫Redeeming the token \(\d s\)/);
    expect(screen).toMatch(/⌫error: [^\r]+\r\nhint: [^\r]+\r\ncode 4\r\n/);
  });
});

describe('the first renewal of a certificate of five years on a terminal', () => {
  it('changes nothing without --yes, and says that the link depends on a timer from then on', async () => {
    const location = ['--data-dir', place.path('lasting')];
    const to = place.path('lasting-links');
    const words = ['link', 'renew', 'lasting', '--dir', to, ...location];
    expectSuccess(await linkgrant(['token', 'redeem', await issue('lasting'), '--to', to, ...location]));
    const secret = () => readFileSync(place.path('lasting-links', 'Secret-lasting.yaml'), 'utf8');
    const before = secret();
    const refused = await screenOf(words);
    expect(refused).toMatch(
      /error: nothing was renewed: [^\r]+ valid for 30 days[^\r]+\r\nhint: [^\r]+ --all [^\r]+--yes\r\n/,
    );
    expect(refused).toContain('code 2');
    expect(secret()).toBe(before);
    expect(await screenOf([...words, '--yes'])).toContain('code 0');
    expect(secret()).not.toBe(before);
    // The certificate is valid for 30 days already.
    expect(await screenOf(words)).toContain('code 0');
  });
});

describe('link accept on a terminal', () => {
  const site = ['--data-dir', place.path('airgapped')];
  const links = place.path('airgapped-links');
  const answer = place.path('answer.yaml');
  const accept = ['link', 'accept', answer, '--to', links, ...site];

  /** Runs `link accept`, and types a reply to its question. Returns the screen. */
  const reply = (text: string) =>
    onTerminal(async (terminal) => {
      terminal.run(accept);
      await until(() => terminal.screen.includes('show the same CA SHA-256? [y/N] '));
      terminal.type(text);
      await waitForExit(terminal);
    });

  it('shows the fingerprint of the CA, writes nothing unless the user confirms it, and then links the site', async () => {
    const words = ['link', 'request', '--line', '--subject', 'airgapped', ...site];
    const line = expectSuccess(await linkgrant(words)).stdout.trim();
    const issue = ['link', 'issue', '--request', line, '--name', 'airgapped', answer, ...data];
    const [shown] = /^CA SHA-256 .+$/m.exec(expectSuccess(await linkgrant(issue)).stderr) ?? [];
    expect(shown).toMatch(/(?:[0-9A-F]{2}:){31}/);
    for (const text of ['no\n', '\n', 'yess\n', '\x04']) {
      const screen = await reply(text);
      expect(screen).toContain(`${shown}\r\n`);
      expect(screen).toMatch(/error: nothing was stored: [^\r]+\r\nhint: [^\r]+\r\ncode 3\r\n/);
      expect(existsSync(links)).toBe(false);
      expect(expectSuccess(await linkgrant(['link', 'request', '--list', ...site])).stdout).toContain(
        'airgapped',
      );
    }
    const screen = await reply('yes\n');
    expect(screen).toContain(`${shown}\r\n`);
    expect(screen).toContain('code 0');
    expect(readdirSync(links).sort()).toEqual(['Link-airgapped.yaml', 'Secret-airgapped.yaml']);
  });
});

describe('bootstrap on a terminal', () => {
  it('shows why it waits, and below it for how long', async () => {
    const to = ['--to', place.path('links'), '--data-dir', place.path('requesting')];
    const words = ['bootstrap', '--token', place.path('absent'), '--deadline', '6s', ...to];
    const screen = await screenOf(words);
    expect(screen).toMatch(/Waiting: [^\r]+\r\n⌫Linking this site \(\d s\)/);
    expect(screen).toMatch(/⌫error: [^\r]+\r\nhint: [^\r]+\r\ncode 4\r\n/);
  });
});

describe('a list with -w on a terminal', () => {
  it.each([
    ['grant list', 'fleet'],
    ['issuer list', 'skupper-site-ca'],
  ])('%s ends at Ctrl-C with exit code 0, and the prompt begins on a line of its own', async (list, name) => {
    const screen = await onTerminal(async (terminal) => {
      terminal.run([...list.split(' '), '-w', ...data]);
      await until(() => terminal.screen.includes(`\n${name}`));
      terminal.type('\x03');
      await waitForExit(terminal);
      await until(() => terminal.screen.includes('\r\nready> '));
    });
    expect(screen).toContain('^C\r\ncode 0\r\n');
  });
});
