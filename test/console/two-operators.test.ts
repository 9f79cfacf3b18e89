import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { ENDPOINT, linkgrantProcess, startLinkgrant, startServe } from '../support/command-line.js';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import { until } from '../support/until.js';
import { openConsole, startBrowser } from './harness/browser.js';

// The service, the console and the site are processes that have only the store and the network in common.
const directory = directoryForFile();
const dataDir = join(directory, 'data');
releaseAfterFile(await startServe(['--data-dir', dataDir, ...ENDPOINT]));
const terminal = startLinkgrant(['console', '--data-dir', dataDir, '--no-open'], { holdsInput: true });
releaseAfterFile({
  stop() {
    terminal.child.kill('SIGTERM');
    return terminal.ended;
  },
});
const browser = releaseAfterFile(await startBrowser());
const operator = await openConsole(browser, await printedUrl(0));
terminal.child.stdin?.write('\n');
const colleague = await openConsole(browser, await printedUrl(1));
const overview = await colleague.context.newPage();

/** The one-time URL that the command prints after `earlier` other URLs. */
async function printedUrl(earlier: number): Promise<string> {
  const urls = () => terminal.said.stdout.match(/http:\S+/g) ?? [];
  await until(() => urls().length > earlier);
  return urls()[earlier] ?? '';
}

const figure = (name: string) => overview.getByRole('link', { name: new RegExp(`^\\d+\\s*${name}$`) });

it('shows a redemption by another process in every open browser, without a reload', async () => {
  const { page } = operator;
  const links = colleague.page;
  const { origin } = new URL(page.url());
  await Promise.all([
    page.goto(`${origin}/console/grants?create=grant`),
    links.goto(`${origin}/console/links`),
    overview.goto(`${origin}/console/`),
  ]);
  for (const open of [page, links, overview]) await open.evaluate('window.isFirstDocument = true');
  await links.getByText('No site has joined yet').waitFor();
  await overview.getByText('Link the first site').waitFor();

  await page.getByRole('textbox', { name: 'Name (required)' }).fill('to-west');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Only for the subject' }).fill('east');
  await page.keyboard.press('Enter');
  await page.getByText('Waiting for the site').waitFor();
  await overview.getByRole('link', { name: 'Open a grant to issue a token' }).waitFor();
  await page.getByRole('button', { name: 'Copy: Command for the site' }).press('Enter');
  await page.getByText('Copied').first().waitFor();
  const [, line = ''] = /^linkgrant join (\S+) --to links$/.exec(await clipboardOf(page)) ?? [];

  const joining = ['join', '-', '--to', join(directory, 'site'), '--subject', 'east'];
  const joined = await linkgrantProcess([...joining, '--data-dir', join(directory, 'site-data')], {
    input: line,
  });
  expect(joined).toMatchObject({ code: 0 });
  await page.locator('.pf-m-success').getByText('east has redeemed the token').waitFor();
  await links.getByRole('row', { name: 'east' }).getByText('valid').waitFor();
  await figure('Links valid').getByText('1', { exact: true }).waitFor();
  await figure('Grants ready').getByText('0', { exact: true }).waitFor();
  for (const open of [page, links, overview])
    expect(await open.evaluate('window.isFirstDocument')).toBe(true);
});

it('shows the revocation by one operator in the browser of another operator, without a reload', async () => {
  const { page } = operator;
  await page.getByRole('link', { name: 'Open its link' }).press('Enter');
  await page.getByRole('button', { name: 'Revoke or cut off' }).press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).press('Enter');
  await page.getByText('The link is revoked').waitFor();
  const links = colleague.page;
  await links.getByRole('row', { name: 'east' }).getByText('revoked').waitFor();
  await figure('Links valid').getByText('0', { exact: true }).waitFor();
  expect(await links.evaluate('window.isFirstDocument')).toBe(true);
});

it('shows a request with a wrong code on the Overview and on the page of its grant, without a reload', async () => {
  const creating = ['grant', 'create', 'mistaken', '--token', '-', '--data-dir', dataDir];
  const token = (await linkgrantProcess(creating)).stdout.replace(/^( +code: ).*$/m, '$1not-the-code');
  const redeeming = ['token', 'redeem', '-', '--to', '-', '--data-dir', join(directory, 'other-site')];
  expect(await linkgrantProcess(redeeming, { input: token })).toMatchObject({ code: 3 });
  const sentence = /^1 request with a wrong code or identity, \d+ s ago from 127\.0\.0\.1$/;
  const item = overview.getByRole('listitem').filter({ has: overview.getByText(sentence) });
  await item.waitFor();
  await figure('Refused requests').press('Enter');
  await overview.getByRole('heading', { name: 'Grant mistaken' }).waitFor();
  await overview.goBack();
  await item.getByRole('link', { name: 'mistaken' }).click();
  await overview.getByRole('heading', { name: 'Grant mistaken' }).waitFor();
  await overview.getByRole('region', { name: 'Refused sites' }).getByText(sentence).waitFor();
  expect(await overview.evaluate('window.isFirstDocument')).toBe(true);
});

it('reports no page error, CSP violation or request to another host in either browser, and no error of the command', () => {
  expect([...operator.faults, ...colleague.faults]).toEqual([]);
  expect(terminal.said.stderr).toBe('');
});

async function clipboardOf(page: Page): Promise<string> {
  return String(await page.evaluate('navigator.clipboard.readText()'));
}
