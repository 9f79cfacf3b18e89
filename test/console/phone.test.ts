import { beforeAll, expect, it } from 'vitest';
import { expectAccessible } from './harness/browser.js';
import { hasFocus, KeyboardUser } from './harness/keyboard.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, goTo, grant, openLink } = await openGrantPage();
const keyboard = new KeyboardUser(page);
const menu = page.getByRole('button', { name: 'Menu', exact: true });
const screens = page.getByRole('navigation', { name: 'Screens' });
const header = page.getByRole('banner');

beforeAll(() => page.setViewportSize({ width: 390, height: 844 }));

/** Returns the number of lines that the visible texts, buttons and fields of the header take. */
const headerLines = () =>
  page.evaluate<number>(`new Set(Array.from(document.querySelectorAll('header :is(a, button, select, span)'))
    .map((part) => part.getBoundingClientRect())
    .filter(({ width, height }) => width > 0 && height > 0)
    .map(({ top, bottom }) => Math.round((top + bottom) / 2))).size`);

it('shows the header in one line, and opens a page with its menu by keyboard', async () => {
  await goTo('/grants');
  await menu.waitFor();
  expect(await headerLines()).toBe(1);
  expect(await screens.isVisible()).toBe(false);
  await keyboard.use(menu, 'Enter');
  expect(await menu.getAttribute('aria-expanded')).toBe('true');
  await header.getByText('data directory /var/lib/linkgrant').waitFor();
  await expectAccessible(page);
  await keyboard.use(page.getByRole('combobox', { name: 'Theme' }), 'ArrowDown', 'ArrowUp');
  await keyboard.use(screens.getByRole('link', { name: 'Links' }), 'Enter');
  await page.getByRole('heading', { name: 'Links', level: 1 }).waitFor();
  await screens.waitFor({ state: 'hidden' });
  await expect.poll(() => hasFocus(page.locator('main'))).toBe(true);
  expect(await menu.getAttribute('aria-expanded')).toBe('false');
});

it('closes the menu when the current page is chosen, or with its button', async () => {
  await goTo('/links');
  await menu.click();
  await screens.getByRole('link', { name: 'Links' }).click();
  await screens.waitFor({ state: 'hidden' });
  await menu.click();
  await screens.waitFor();
  await menu.click();
  await screens.waitFor({ state: 'hidden' });
});

it('shows the menu without a button in a wide window', async () => {
  await goTo('/grants');
  await page.setViewportSize({ width: 1280, height: 800 });
  await screens.waitFor();
  expect(await menu.isVisible()).toBe(false);
  await page.setViewportSize({ width: 390, height: 844 });
  await screens.waitFor({ state: 'hidden' });
});

it('shows a card for each link, with its subject, state and expiry', async () => {
  await running.addLinks(grant.uid, 3);
  await goTo(`/links?grantUid=${grant.uid}`);
  const card = page.locator('tbody tr', { hasText: 'site-2' });
  await card.getByRole('link', { name: 'site-2', exact: true }).waitFor();
  await card.getByText('valid', { exact: true }).waitFor();
  await card.locator('time').first().waitFor();
  expect(await card.getByText('192.0.2.7').isVisible()).toBe(false);
  // The cards stand below each other, and each is as wide as the list.
  const boxes = await Promise.all((await page.locator('tbody tr').all()).map((row) => row.boundingBox()));
  expect(boxes).toHaveLength(3);
  expect(new Set(boxes.map((box) => `${box?.x} ${box?.width}`)).size).toBe(1);
  expect(new Set(boxes.map((box) => box?.y)).size).toBe(3);
});

it('sorts the cards, and selects one or all of them, by keyboard', async () => {
  await running.addLinks(grant.uid, 3);
  await goTo(`/links?grantUid=${grant.uid}`);
  const titles = page.locator('tbody th a');
  const sort = page.getByRole('button', { name: 'Subject' });
  await keyboard.use(sort, 'Enter');
  const textBefore = `getComputedStyle(document.querySelector('thead tr'), '::before').content`;
  expect(await page.evaluate(textBefore)).toBe('"Sort by"');
  await expect.poll(() => titles.allTextContents()).toEqual(['site-1', 'site-2', 'site-3']);
  await page.keyboard.press('Enter');
  await expect.poll(() => titles.allTextContents()).toEqual(['site-3', 'site-2', 'site-1']);
  const boxes = page.locator('tbody').getByRole('checkbox');
  await keyboard.use(boxes.first(), 'Space');
  expect(await page.locator('tbody').getByRole('checkbox', { checked: true }).count()).toBe(1);
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).click();
  await expect.poll(() => page.locator('tbody').getByRole('checkbox', { checked: true }).count()).toBe(3);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Revoke or cut off 3 links' }).click();
  // A text with a time in it stands beside the name of its column, not below it.
  const cell = page
    .getByRole('dialog')
    .locator('td[data-label]', { hasText: 'It can reconnect until' })
    .first();
  const [outer, inner] = [await cell.boundingBox(), await cell.locator('> *').boundingBox()];
  expect((inner?.x ?? 0) - (outer?.x ?? 0)).toBeGreaterThan(80);
  expect(await cell.evaluate(({ childNodes }) => childNodes.length)).toBe(1);
  await expectAccessible(page);
});

it('fits each page into the window, and hides no text of a heading', async () => {
  const uid = await running.createGrant({ name: `warehouse-${'of-the-'.repeat(9)}north` });
  await openLink();
  const link = new URL(page.url()).pathname.replace('/console', '');
  const pages = ['/', '/grants', '/links', '/map', '/issuers', '/ledger', '/health', `/grants/${uid}`, link];
  for (const path of [...pages, '/grants?create=grant', `/grants/${uid}?issue=token`]) {
    await goTo(path);
    await page.locator('main h1').first().waitFor();
    // Several parts of a page can load at once.
    await expect.poll(() => page.locator('.loading').count()).toBe(0);
    const cutOff =
      await page.evaluate(`[document.documentElement, ...document.querySelectorAll('main, h1, h2, section, dialog, .table-frame')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ tagName, textContent }) => tagName + ' ' + textContent.slice(0, 40))`);
    expect(cutOff, path).toEqual([]);
    await expectAccessible(page);
  }
});
