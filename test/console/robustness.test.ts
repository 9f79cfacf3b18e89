import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sampleRedemption } from '../support/store-samples.js';
import { axeViolations, type ConsolePage, openConsole, startBrowser } from './harness/browser.js';
import { type ConsoleService, startConsoleService } from './harness/console-service.js';

const HOSTILE = [
  '<script>alert(1)</script><img src=x onerror=alert(2)>',
  '\u202eevil\u202c and \u200bzero\u200dwidth\ufeff',
  'שלום עולם',
  'x'.repeat(253),
];

let browser: Browser;
let running: ConsoleService;
let opened: ConsolePage;
let page: Page;
beforeAll(async () => {
  browser = await startBrowser();
  running = await startConsoleService();
  const { service } = running;
  const grantUid = await running.createGrant({ name: 'hostile' });
  for (const subject of HOSTILE) {
    const now = service.clock.read();
    const redemption = sampleRedemption(grantUid, {
      subject,
      createdAt: now - 9 * 86_400_000,
      notAfter: now + 86_400_000,
    });
    await service.store.recordRedemption(grantUid, redemption, now);
  }
  opened = await openConsole(browser, running.console.issueUrl());
  page = opened.page;
});
afterAll(async () => {
  await browser.close();
  await running.close();
});

it.each(['/links', '/map', '/ledger', '/'])('shows hostile subjects as text on %s', async (path) => {
  await page.goto(`${running.console.origin}/console${path}`);
  await page.getByText('<script>alert(1)</script>').first().waitFor({ state: 'attached' });
  expect(await page.locator('main script, main img').count()).toBe(0);
  // Characters that reorder or hide text are written out.
  expect(await page.locator('main').textContent()).not.toMatch(/[\u200b-\u200f\u202a-\u202e\ufeff]/);
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  expect(await axeViolations(page)).toEqual([]);
});

it('opens a link by its address, and says where an address leads nowhere', async () => {
  await page.goto(`${running.console.origin}/console/links`);
  await page.getByRole('link', { name: /^x{253}$/ }).click();
  await page.getByRole('heading', { name: 'Certificate' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Certificate' }).waitFor();
  await page.goto(`${running.console.origin}/console/no/such/page`);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await page.goto(`${running.console.origin}/console/links/00000000-0000-4000-8000-000000000000`);
  await page.getByRole('alert').waitFor();
});

it('keeps a text that is typed while the filter before it is applied', async () => {
  await page.goto(`${running.console.origin}/console/links`);
  const field = page.getByLabel('Subject');
  // Types right after the page has put the first text into the address, before the next frame.
  await page.evaluate(`{
    const replaceState = history.replaceState.bind(history);
    history.replaceState = (...state) => {
      replaceState(...state);
      delete history.replaceState;
      setTimeout(() => {
        document.activeElement.value = 'xxx*';
        document.activeElement.dispatchEvent(new Event('input', { bubbles: true }));
      });
    };
  }`);
  await field.fill('<script>*');
  await expect.poll(() => new URL(page.url()).searchParams.get('subject'), { timeout: 10_000 }).toBe('xxx*');
  expect(await field.inputValue()).toBe('xxx*');
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
  await page.getByRole('link', { name: 'Links' }).first().click();
  await expect.poll(() => field.inputValue()).toBe('');
});

it('shows the last known data with its age while the service does not answer, and recovers', async () => {
  await page.goto(`${running.console.origin}/console/links`);
  await page.getByText('<script>').first().waitFor();
  await page.route('**/api/**', (route) => route.abort('connectionrefused'));
  await page.getByLabel('Subject').fill('x*');
  await page.getByText(/This is how it was \d+ s ago/).waitFor();
  await page.getByText(/No answer from the service for/).waitFor();
  expect(await page.locator('tbody tr').count()).toBe(HOSTILE.length);
  await page.unroute('**/api/**');
  await page.getByText(/This is how it was/).waitFor({ state: 'detached' });
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
});

it('says how to start again when the session has ended', async () => {
  await page.goto(`${running.console.origin}/console/`);
  await page.getByRole('heading', { name: 'Needs attention' }).waitFor();
  await opened.context.clearCookies();
  // The console may notice before the click.
  await page
    .getByRole('link', { name: 'Ledger' })
    .first()
    .click({ timeout: 5_000 })
    .catch(() => undefined);
  await page.getByText('This session has ended').waitFor();
  expect(await axeViolations(page)).toEqual([]);
});

it('has no fault after all of this', () => {
  expect(opened.faults).toEqual([]);
});
