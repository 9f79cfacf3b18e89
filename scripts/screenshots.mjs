// Follows docs/tutorials/console.md with the built program and Chromium, and writes a screenshot of each step, in both themes, to
// docs/tutorials/images. Run `npm run screenshots` after a change to the console.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const IMAGES = fileURLToPath(new URL('../docs/tutorials/images/', import.meta.url));
const CHROMIUM = process.env.LINKGRANT_TEST_CHROMIUM ?? '/usr/bin/chromium';
const WINDOW = { width: 1200, height: 760 };
// The console shows this path, so it is the same in every run.
const directory = join(tmpdir(), 'first-link');
const children = [];

function start(...words) {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  children.push(child);
  return child;
}

/** Starts a command that keeps running. Resolves with the first match of `pattern` in its output. */
async function startUntil(pattern, ...words) {
  let text = '';
  for await (const part of start(...words).stdout.iterator({ destroyOnReturn: false })) {
    text += part;
    const match = pattern.exec(text);
    if (match) return match;
  }
  throw new Error(`linkgrant ${words[0]} ended: ${text}`);
}

/** Runs a command until it ends. Returns its output. */
async function run(words, input = '') {
  const child = start(...words);
  child.stdin.end(input);
  let text = '';
  for await (const part of child.stdout) text += part;
  if (child.exitCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`linkgrant ${words.join(' ')} ended with ${child.exitCode}`);
  return text;
}

const joinAs = (line, subject) =>
  run(['join', '-', '--to', `links-${subject}`, '--subject', subject, '--data-dir', subject], line);

async function takeAll() {
  mkdirSync(IMAGES, { recursive: true });
  const hub = ['--data-dir', 'hub'];
  const endpoint = ['--endpoint', 'inter-router=localhost:55671'];
  await startUntil(/Next:/, 'serve', ...hub, '--host', 'localhost', ...endpoint, '--listen', '127.0.0.1:0');
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const [, url] = await startUntil(/(http\S+)/, 'console', ...hub, '--no-open');
  const context = await browser.newContext({
    viewport: WINDOW,
    reducedMotion: 'reduce',
    colorScheme: 'light',
  });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const shoot = async (name) => {
    await page.mouse.move(0, 0);
    await page.evaluate('scrollTo(0, 0)');
    for (const theme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(IMAGES, `console-${name}-${theme}.png`) });
    }
  };
  const open = async (screen) => {
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();
    await page.getByRole('heading', { name: screen, level: 1 }).waitFor();
  };

  await page.goto(url);
  await page.getByText('inter-router localhost:55671').waitFor();
  await shoot('overview');
  await page.getByRole('link', { name: 'Create the first grant' }).click();
  await page.getByRole('textbox', { name: 'Name (required)' }).fill('to-hub');
  await page
    .getByLabel(/^How many sites can join/)
    .first()
    .fill('5');
  await shoot('create-grant');
  await page.getByRole('button', { name: 'Create, then issue a token' }).click();
  await page.getByLabel('Only for the subject').fill('branch');
  await page.getByRole('button', { name: 'Issue the token' }).click();
  await page.getByText('Waiting for the site').waitFor();
  await shoot('waiting');
  await page.getByRole('button', { name: 'Copy: Command for the site' }).click();
  const command = await page.evaluate('navigator.clipboard.readText()');
  await joinAs(/lgj1_\w+/.exec(command)[0], 'branch');
  await page.getByText('branch has redeemed the token').waitFor();
  await shoot('redeemed');
  await page.getByRole('button', { name: 'Done' }).click();
  for (const subject of ['factory', 'office']) {
    const words = ['token', 'issue', '--grant', 'to-hub', '--subject', subject, ...hub];
    const [line] = /lgj1_\w+/.exec(await run(words));
    await joinAs(line, subject);
  }
  await open('Links');
  await page.getByText('office').first().waitFor();
  await shoot('links');
  await page.getByRole('link', { name: 'branch' }).first().click();
  await page.getByRole('heading', { name: 'Link of branch' }).waitFor();
  await page.getByRole('button', { name: 'Revoke' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('still lets a site in').waitFor();
  await shoot('revoke');
  await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await open('Ledger');
  await page.locator('tbody').getByText('Link revoked').waitFor();
  await shoot('ledger');
  await browser.close();
}

mkdirSync(directory);
try {
  await takeAll();
} finally {
  // Until it ends, the service writes into the directory.
  const running = children.filter(({ exitCode }) => exitCode === null);
  const ended = running.map((child) => once(child, 'exit'));
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(ended);
  rmSync(directory, { recursive: true, force: true });
}
