import { expect, it } from 'vitest';
import { post } from '../support/wire.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, goTo, grant, openLink } = await openGrantPage();

/** Returns the texts of the headers that are wider than their cells. */
const overflowing = () =>
  page.evaluate(`Array.from(document.querySelectorAll('thead th'))
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
    .map(({ textContent }) => textContent)`);

it('shows each header of a table within its column, in wide and in narrow windows', async () => {
  const refusing = await running.service.grant({ name: 'refusing', policy: { subjects: ['nobody'] } });
  await post(running.service, `/${refusing.grant.uid}`, refusing.code);
  await openLink();
  for (const path of ['/', '/links', '/grants', '/ledger', '/issuers', `/grants/${grant.uid}`]) {
    await goTo(path);
    await page.locator('thead th').first().waitFor({ state: 'attached' });
    for (const width of [780, 900, 1000, 1280, 1600]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await overflowing(), `${path} at ${width}`).toEqual([]);
    }
  }
});

it('wraps long labels, so that the list of links does not scroll sideways', async () => {
  const labels = { 'example.com/cost-center': 'x'.repeat(63), team: 'engineering-and-operations' };
  await running.addLinks(grant.uid, 1, { subject: 'lab', labels });
  await goTo('/links');
  const row = page.getByRole('row').filter({ hasText: 'engineering-and-operations' });
  await row.waitFor();
  await page.setViewportSize({ width: 1280, height: 800 });
  const frame = page.locator('.table-frame', { has: row });
  expect(await frame.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
});
