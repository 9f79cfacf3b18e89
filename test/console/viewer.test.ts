import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ConsolePage, openConsole, startBrowser } from './harness/browser.js';
import { type ConsoleService, startConsoleService } from './harness/console-service.js';

let browser: Browser;
let running: ConsoleService;
let opened: ConsolePage;
let grantUid: string;
let linkId: string;
beforeAll(async () => {
  browser = await startBrowser();
  running = await startConsoleService({ role: 'viewer' });
  grantUid = await running.createGrant({ name: 'to-west' });
  await running.addLinks(grantUid, 1);
  await running.administration.issueToken({ grantUid });
  const { items } = await running.administration.listRedemptions({ limit: 1 });
  linkId = items[0]?.id ?? '';
  opened = await openConsole(browser, running.console.issueUrl());
});
afterAll(async () => {
  await browser.close();
  await running.close();
});

it.each([
  ['/grants?create=grant', 'to-west', []],
  ['/grants/GRANT?issue=token', 'Tokens', []],
  ['/links', 'site-1', []],
  ['/links/LINK', 'Serial', []],
  ['/ledger', 'Setting changed', ['Download as CSV']],
])('offers a viewer no action that would be refused on %s', async (path, shows, reading) => {
  const { page } = opened;
  const full = path.replace('GRANT', grantUid).replace('LINK', linkId);
  await page.goto(`${running.console.origin}/console${full}`);
  await page.locator('main').getByText(shows).first().waitFor();
  const buttons = await page.locator('main button').allTextContents();
  const actions = buttons
    .map((text) => text.trim())
    .filter((text) => !/^(Copy|First page|Next page)$/.test(text));
  expect(actions).toEqual(reading);
  expect(await page.getByRole('dialog').count()).toBe(0);
  await page.getByText('(viewer)').waitFor();
});
