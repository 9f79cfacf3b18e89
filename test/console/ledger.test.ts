import { afterEach, expect, it } from 'vitest';
import { post } from '../support/wire.js';
import { expectAccessible } from './harness/browser.js';
import { hasFocus, KeyboardUser } from './harness/keyboard.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, goTo, grant, openLink } = await openGrantPage();
const { administration, service } = running;
const keyboard = new KeyboardUser(page);
const rows = page.locator('tbody tr');
const filtered = () => Object.fromEntries(new URL(page.url()).searchParams);
const fitsWindow = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth');

afterEach(() => page.setViewportSize({ width: 1280, height: 800 }));

async function revokeAs(actor: string, redemptionId: string): Promise<void> {
  await service.store.actingAs({ actor }).revokeRedemption(redemptionId, service.clock.read());
}

it.each([
  [1280, 800],
  [390, 844],
])('finds who revoked a link, by keyboard in a window of %i × %i', async (width, height) => {
  const id = await openLink();
  await revokeAs('oidc:4711', id);
  await page.setViewportSize({ width, height });
  await goTo('/ledger');
  const event = page.getByRole('combobox', { name: 'Event' });
  // The first letters of a choice select it.
  await keyboard.reach(event);
  await page.keyboard.type('Link rev');
  await expect.poll(filtered).toEqual({ kind: 'revoked' });
  await keyboard.write(page.getByRole('textbox', { name: 'Grant' }), grant.name);
  await expect.poll(() => rows.count()).toBe(1);
  await rows.getByText('Link revoked').waitFor();
  await rows.getByText('oidc:4711').waitFor();
  await rows.getByRole('link', { name: grant.name }).waitFor();
  await page.getByText(`ledger list --kind revoked --grant ${grant.name}`).waitFor();
  expect(await fitsWindow()).toBe(true);
  await expectAccessible(page);
  await page.reload();
  await expect.poll(() => rows.count()).toBe(1);
  await keyboard.use(rows.getByRole('link', { name: 'site-1' }), 'Enter');
  await page.getByRole('heading', { name: 'Link of site-1' }).waitFor();
  const entries = page.getByRole('table', { name: 'Entries of the ledger, newest first' });
  await entries.locator('tbody tr').nth(0).getByText('oidc:4711').waitFor();
  await entries.locator('tbody tr').nth(1).getByText('Redeemed').waitFor();
});

it('shows the entries of the grant that the user names instead of those of the grant in the address', async () => {
  const name = `${grant.name}-other`;
  await running.createGrant({ name });
  await goTo(`/ledger?grantUid=${grant.uid}`);
  await page.getByText('Only entries of one grant.').waitFor();
  await keyboard.write(page.getByRole('textbox', { name: 'Grant' }), name);
  await page.getByText(`ledger list --grant ${name}`).waitFor();
  await rows.getByRole('link', { name, exact: true }).waitFor();
  expect(await rows.count()).toBe(1);
  expect(await page.getByText('Only entries of one grant.').count()).toBe(0);
});

it('filters the ledger by actor, subject and the last day that is shown, and shows all entries again', async () => {
  const id = await openLink();
  await revokeAs('local:carol', id);
  await goTo('/ledger?until=2020-01-02');
  await page.getByText('No entry on this page matches').waitFor();
  const today = new Date(service.clock.read()).toLocaleDateString('sv-SE');
  await goTo(`/ledger?actor=carol&subject=site-*&since=${today}&until=${today}`);
  await expect.poll(() => rows.count()).toBe(1);
  await keyboard.use(page.getByRole('link', { name: 'Show all entries' }), 'Enter');
  await expect.poll(filtered).toEqual({});
  await rows.getByText('Grant created').first().waitFor();
});

it('keeps the entries of the page in place while others arrive, and shows these on request', async () => {
  await goTo('/ledger');
  await rows.first().getByText(grant.name).waitFor();
  const none = page.getByRole('button', { name: 'No new entries' });
  await none.waitFor();
  const before = await rows.allTextContents();
  for (let uses = 1; uses <= 3; uses += 1)
    await administration.updateGrant(grant.uid, { redemptionsAllowed: 100 + uses });
  const newer = page.getByRole('button', { name: '3 new entries' });
  await newer.waitFor();
  expect(await rows.allTextContents()).toEqual(before);
  await expectAccessible(page);
  await keyboard.use(newer, 'Enter');
  await none.waitFor();
  expect(await hasFocus(none)).toBe(true);
  await rows.nth(2).getByText('Grant changed').waitFor();
  expect((await rows.allTextContents()).slice(3)).toEqual(before);
});

it('says that at least a page of entries is new if none of the shown entries is on the newest page', async () => {
  await goTo('/ledger');
  await rows.first().getByText(grant.name).waitFor();
  await running.addLinks(grant.uid, 60);
  await keyboard.use(page.getByRole('button', { name: 'At least 50 new entries' }), 'Enter');
  await rows.first().getByText('Redeemed').waitFor();
  await page.getByRole('button', { name: 'No new entries' }).waitFor();
});

it('shows the newest entries at once after another page was visited', async () => {
  await goTo('/ledger');
  await rows.first().getByText(grant.name).waitFor();
  await page.getByRole('link', { name: 'Health' }).click();
  await page.getByRole('heading', { name: 'Health' }).waitFor();
  await administration.revokeGrant(grant.uid, false);
  await page.getByRole('link', { name: 'Ledger' }).click();
  await rows.first().getByText('Grant revoked').waitFor();
  await page.getByRole('button', { name: 'No new entries' }).waitFor();
});

it('shows a refusal at its time between the entries, with its reason and how often it happened', async () => {
  const refusing = await service.grant({ name: `${grant.name}-rule`, policy: { subjects: ['nobody'] } });
  service.clock.advance(2_000);
  for (let attempt = 0; attempt < 2; attempt += 1)
    await post(service, `/${refusing.grant.uid}`, refusing.code);
  service.clock.advance(2_000);
  await administration.updateGrant(refusing.grant.uid, { redemptionsAllowed: 7 });
  await goTo(`/ledger?grantUid=${refusing.grant.uid}`);
  await page.getByText('Only entries of one grant.').waitFor();
  await rows.nth(0).getByText('Grant changed').waitFor();
  await rows.nth(1).getByText('The subject is not allowed (2 times)').waitFor();
  await rows.nth(1).getByText('127.0.0.1').waitFor();
  await goTo('/ledger?kind=refused');
  await rows.first().getByText('The subject is not allowed (2 times)').waitFor();
});

it('shows the entries of a deleted grant by way of its name in the list', async () => {
  await administration.revokeGrant(grant.uid, false);
  await administration.deleteGrant(grant.uid);
  await goTo(`/ledger?grant=${grant.name}`);
  await page.getByText(`No grant has the name "${grant.name}"`).waitFor();
  await goTo('/ledger?kind=deleted');
  await keyboard.use(rows.first().getByRole('link', { name: grant.name }), 'Enter');
  await keyboard.use(page.getByRole('link', { name: 'Ledger entries of this grant' }), 'Enter');
  await rows.nth(2).getByText('Grant created').waitFor();
  await rows.nth(0).getByText('Grant deleted').waitFor();
});

it('says how to select a grant in the ledger if several have the name', async () => {
  await running.createGrant({ name: grant.name, namespace: 'other' });
  await goTo(`/ledger?grant=${grant.name}`);
  await page.getByText(`Several grants have the name "${grant.name}"`).waitFor();
});
