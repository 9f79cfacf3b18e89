import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { releaseAfterFile } from '../support/release.js';
import { type ConsolePage, expectAccessible, openConsole, startBrowser } from './harness/browser.js';
import { type ConsoleService, startConsoleService } from './harness/console-service.js';

const BUILT = resolve(import.meta.dirname, '../../dist/console');
const ASSETS = join(BUILT, 'assets');
const MAX_BYTES = 300 * 1024;

const browser = releaseAfterFile(await startBrowser());

it('the scripts, styles and fonts of the console have less than 300 KB compressed', () => {
  const files = readdirSync(ASSETS).filter((name) => /\.(js|css|woff2)$/.test(name));
  const bytes = files.map((name) => gzipSync(readFileSync(join(ASSETS, name))).length);
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_BYTES);
});

it('the licences of the console include those of PatternFly and its font', () => {
  const licenses = readFileSync(join(BUILT, 'licenses.md'), 'utf8');
  expect(licenses).toMatch(/^## @patternfly\/patternfly - \S+ \(MIT\)$/m);
  expect(licenses).toContain('Copyright (c) 2019 Red Hat, Inc.');
  expect(licenses).toContain('SIL OPEN FONT LICENSE');
});

describe.each([0, 3, 300, 10_000])('with %i links', (count) => {
  let running: ConsoleService;
  let opened: ConsolePage;
  let grantUid: string;
  beforeAll(async () => {
    running = await startConsoleService();
    grantUid = count === 0 ? '' : await running.createGrant({ name: 'to-west' });
    await running.addLinks(grantUid, count);
    opened = await openConsole(browser, running.console.issueUrl());
  });
  afterAll(async () => {
    await opened.context.close();
    await running.close();
  });

  afterEach(() => {
    expect(opened.faults, 'page errors, CSP violations and requests to other hosts').toEqual([]);
  });

  const isEmpty = count === 0;
  // Every tenth link is older.
  const newest = count % 10 === 0 ? count - 1 : count;
  const screens: readonly (readonly [path: string, shows: string])[] = [
    ['/', isEmpty ? 'Link the first site' : 'Needs attention'],
    ['/grants', isEmpty ? 'There is no grant yet' : 'to-west'],
    ['/tokens', 'No token is open'],
    ['/links', isEmpty ? 'No site has joined yet' : `site-${newest}`],
    ['/map', isEmpty ? 'No site has joined yet' : `to-west (${count.toLocaleString('en')})`],
    ['/issuers', isEmpty ? '0 grants that can be redeemed' : '1 grant that can be redeemed'],
    ['/ledger', isEmpty ? 'Setting changed: service' : 'to-west'],
    ['/health', 'store writable'],
    ...(isEmpty ? [] : ([['/grants/UID', 'What it allows']] as const)),
  ];

  it.each(screens)('shows %s', async (path, shows) => {
    const { page } = opened;
    await page.goto(`${running.console.origin}/console${path.replace('UID', grantUid)}`);
    await page.locator('main').getByText(shows, { exact: false }).first().waitFor();
    if (count <= 3) await expectAccessible(page);
  });

  if (count > 0)
    it('filters links, opens one and returns to the filtered list', async () => {
      const { page } = opened;
      await page.goto(`${running.console.origin}/console/links`);
      await page.getByLabel('Search').fill('SITE-2');
      await expect.poll(() => page.locator('tbody tr').first().textContent()).toMatch(/site-2/);
      await page.getByLabel('Search').fill('site-?');
      const siteThree = page.getByRole('link', { name: 'site-3', exact: true });
      await siteThree.waitFor();
      await siteThree.click();
      await page.getByRole('heading', { name: 'Link of site-3' }).waitFor();
      await page.getByText('Serial').waitFor();
      if (count === 3) await expectAccessible(page);
      await page.goBack();
      await siteThree.waitFor();
      expect(await page.getByLabel('Search').inputValue()).toBe('site-?');
    });

  if (count > 50)
    it('sorts the links, and pages through them with their positions, also with the back button', async () => {
      const { page } = opened;
      const total = count.toLocaleString('en');
      const row = (number: number) => page.getByRole('link', { name: `site-${number}`, exact: true });
      const position = (text: string) => page.getByText(`${text} of ${total}`, { exact: true });
      await page.goto(`${running.console.origin}/console/links`);
      await row(newest).waitFor();
      await position('1–50').waitFor();
      const header = page.getByRole('columnheader', { name: 'Subject' });
      await header.getByRole('button').click();
      await row(1).waitFor();
      expect(await header.getAttribute('aria-sort')).toBe('ascending');
      await page.getByRole('button', { name: 'Next page' }).click();
      await position('51–100').waitFor();
      await row(51).waitFor();
      expect(await page.locator('tbody tr th').allTextContents()).toEqual(
        Array.from({ length: 50 }, (_, index) => `site-${index + 51}`),
      );
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Next page' }).click();
      await position('101–150').waitFor();
      await page.goBack();
      await position('51–100').waitFor();
      await page.getByRole('button', { name: 'Previous page' }).click();
      await position('1–50').waitFor();
      await row(50).waitFor();
      await header.getByRole('button').click();
      await row(count).waitFor();
      expect(await header.getAttribute('aria-sort')).toBe('descending');
    });

  if (count > 50)
    it('reads 50 links for a page, and all of them in groups for the map', async () => {
      const { page, requests } = opened;
      const earlier = requests.length;
      const limits = () =>
        requests
          .slice(earlier)
          .filter((url) => url.includes('/api/v1/links?'))
          .map((url) => new URL(url).searchParams.get('limit'));
      await page.goto(`${running.console.origin}/console/links`);
      await page.getByRole('link', { name: `site-${newest}`, exact: true }).waitFor();
      expect(await page.locator('tbody tr').count()).toBe(50);
      expect(new Set(limits())).toEqual(new Set(['50']));
      await page.goto(`${running.console.origin}/console/map`);
      const expiring = page.getByText(`${(count / 10).toLocaleString('en')} expiring, not renewed`, {
        exact: true,
      });
      await expiring.first().waitFor();
      expect(new Set(limits())).toEqual(new Set(['50', '500']));
      expect(await expiring.count()).toBe(count > 500 ? 2 : 1);
      await page.getByRole('link', { name: 'Open the group to-west' }).click();
      await page.getByRole('link', { name: 'site-100: expiring, not renewed', exact: true }).waitFor();
      expect(await page.locator('.sites a').count()).toBe(Math.min(count, 500));
    });
});
