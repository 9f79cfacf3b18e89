import { beforeEach, describe, expect, it } from 'vitest';
import { expectAccessible } from './harness/browser.js';
import { openGrantPage } from './harness/operator-page.js';

const { page, goTo, grant } = await openGrantPage();
const dialog = page.getByRole('dialog');
const field = (label: string) => dialog.getByRole('textbox', { name: label });

/**
 * Returns the description of the field that has the focus, which begins with its error, and whether it can be seen and screen readers
 * announce it, also if the field had the focus before.
 */
const focused = () =>
  page.evaluate(`(() => {
    const input = document.activeElement;
    const error = document.getElementById(input.getAttribute('aria-describedby')?.split(' ')[0]);
    const isSeen = (element) => {
      const { top, bottom, left, right } = element.getBoundingClientRect();
      const found = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return element === found || element.contains(found);
    };
    return [input.labels?.[0]?.textContent, error?.textContent, error?.role === 'alert' && isSeen(input) && isSeen(error)];
  })()`);

describe.each([
  [1280, 800],
  [390, 844],
])('in a window of %i × %i', (width, height) => {
  beforeEach(() => page.setViewportSize({ width, height }));

  it.each([
    ['How many sites can join', '0', 'It must be at least 1.'],
    ['How many sites can join', 'many', 'It must be a whole number.'],
    ['How many sites can join', '9999999', 'Redemptions allowed must be a whole number from 1 to 1000000.'],
    [
      'How long it can be redeemed',
      '1 hour',
      'The expiration window must be a duration such as 90s, 15m, 1h30m or 7d.',
    ],
    [
      'How long it can be redeemed',
      '99999d',
      'The expiration window must be longer than 0 and at most 10 years.',
    ],
    ['Source addresses', '10.0.0.0/33', 'It has "10.0.0.0/33", which'],
    ['Begins', 'tomorrow', 'It '],
  ])('shows at the field "%s" of a new grant why "%s" is refused', async (label, value, reason) => {
    await goTo('/grants?create=grant');
    await field('Name').first().fill('new');
    await dialog.getByText('Rules for sites').press('Enter');
    await field(label).fill(value);
    // An error opens the rules again.
    await dialog.getByText('Rules for sites').press('Enter');
    await field('Name').first().press('Enter');
    await expect
      .poll(focused)
      .toEqual([expect.stringMatching(new RegExp(`^${label}`)), expect.stringContaining(reason), true]);
  });

  it('shows at the name of a new grant that it is taken, or has a character that is not allowed', async () => {
    await goTo('/grants?create=grant');
    await field('Name').first().fill(grant.name);
    await page.keyboard.press('Enter');
    const name = expect.stringMatching(/^Name/);
    await expect.poll(focused).toEqual([name, expect.stringContaining('already a grant'), true]);
    await expectAccessible(page);
    await field('Name').first().fill('West');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toEqual([name, expect.stringContaining('lower-case letters'), true]);
  });

  it('shows at the fields of a new token why their values are refused', async () => {
    await goTo(`/grants/${grant.uid}?issue=token`);
    await field('How many sites can join').fill('0');
    await page.keyboard.press('Enter');
    const uses = expect.stringMatching(/^How many/);
    await expect.poll(focused).toEqual([uses, 'It must be at least 1.', true]);
    await field('How many sites can join').fill('30000');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toEqual([uses, expect.stringContaining('cannot allow more'), true]);
    await field('How many sites can join').fill('1');
    await field('How long').fill('soon');
    await page.keyboard.press('Enter');
    const window = expect.stringMatching(/^How long/);
    await expect.poll(focused).toEqual([window, expect.stringContaining('such as 90s'), true]);
  });

  it('scrolls to an error that belongs to no field', async () => {
    await goTo('/grants?create=grant');
    await page.route('**/api/v1/grants', (route) => route.abort('connectionrefused'));
    await field('Name').first().fill('new');
    await page.keyboard.press('Enter');
    const alert = dialog.getByRole('alert').filter({ hasText: 'No response arrived' });
    await alert.waitFor();
    await page.unroute('**/api/v1/grants');
    // The dialog scrolls after the error was drawn.
    await expect
      .poll(async () => {
        const box = await alert.boundingBox();
        const footer = await dialog.locator('footer').boundingBox();
        return (box?.y ?? 0) + (box?.height ?? 0) <= (footer?.y ?? 0);
      })
      .toBe(true);
  });
});
