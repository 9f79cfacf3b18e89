import { readFileSync } from 'node:fs';
import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { EVENT_LISTING } from '../../src/cli/ledger/ledger-listing.js';
import { axeViolations } from './harness/browser.js';
import { hasFocus, KeyboardUser } from './harness/keyboard.js';
import { openGrantPage } from './harness/operator-page.js';

// In these tests every input is a key press. Only the first page of each is opened by its URL.
const { running, page, goTo, grant, openLink } = await openGrantPage();
const keyboard = new KeyboardUser(page);

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const dialogButton = (name: string | RegExp) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true });
const content = () => page.locator('main');

/** Waits until there is no dialog and `target` has the focus. */
async function waitForReturn(target: Locator): Promise<void> {
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(() => hasFocus(target)).toBe(true);
}

/** Presses Done, which gets the focus after an action because the focused button was removed. */
async function pressDone(): Promise<void> {
  await expect.poll(() => hasFocus(dialogButton('Done'))).toBe(true);
  await page.keyboard.press('Enter');
}

it('creates a grant, issues a token, copies its line and closes the dialog by keyboard', async () => {
  await goTo('/grants');
  await keyboard.use(button('Create a grant'), 'Enter');
  const name = page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).first();
  await expect.poll(() => hasFocus(name)).toBe(true);
  await page.keyboard.press('Escape');
  await waitForReturn(button('Create a grant'));
  await page.keyboard.press('Enter');
  await keyboard.write(name, 'by-keyboard');
  await keyboard.write(page.getByRole('textbox', { name: 'How many sites can join' }), '3');
  await keyboard.use(page.getByText('Rules for sites'), 'Enter');
  await keyboard.use(page.getByRole('checkbox', { name: 'Sites must generate' }), 'Space');
  await page.getByText('3 sites can join within 1h').waitFor();
  await keyboard.use(dialogButton('Create, then issue a token'), 'Enter');
  const subject = page.getByRole('textbox', { name: 'Only for the subject' });
  await expect.poll(() => hasFocus(subject)).toBe(true);
  await page.keyboard.type('east');
  await page.keyboard.press('Enter');
  await keyboard.use(page.getByRole('combobox', { name: 'How does the site join?' }), 'ArrowDown');
  await page.getByText('--platform podman').waitFor();
  await page.keyboard.press('ArrowUp');
  await keyboard.use(dialogButton('Copy: Command for the site'), 'Space');
  await dialogButton('Copied: Command for the site').waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(
    /^linkgrant join lgj1_\w+ --to links$/,
  );
  await page.keyboard.press('Escape');
  // The button that opened the first dialog is on another page.
  await waitForReturn(content());
  await page.getByRole('heading', { name: 'Grant by-keyboard' }).waitFor();
});

it('edits labels and a note by keyboard', async () => {
  await goTo(`/grants/${grant.uid}`);
  const opener = button('Edit labels and note');
  await keyboard.use(opener, 'Space');
  await keyboard.write(page.getByRole('dialog').getByRole('textbox', { name: 'Labels' }), 'team=payments');
  await keyboard.write(page.getByRole('dialog').getByRole('textbox', { name: 'Note' }), 'for Berlin');
  await page.keyboard.press('Enter');
  await waitForReturn(opener);
  // `exact` matches the note on the page, not the command in the dialog.
  await page.getByText('for Berlin', { exact: true }).waitFor();
  const { labels, note } = await running.administration.showGrant(grant.uid);
  expect([labels, note]).toEqual([{ team: 'payments' }, 'for Berlin']);
});

it('revokes a token by keyboard', async () => {
  const { id } = await running.administration.issueToken({ grantUid: grant.uid });
  await goTo(`/grants/${grant.uid}`);
  const opener = button(`Revoke token ${id}`);
  await keyboard.use(opener, 'Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await waitForReturn(opener);
  await page.keyboard.press('Enter');
  await keyboard.use(dialogButton('Revoke'), 'Enter');
  await page.getByText('The token is revoked').waitFor();
  // The row has no button any more.
  await page
    .getByRole('row', { name: id ?? '' })
    .getByText('revoked')
    .waitFor();
  await pressDone();
  await waitForReturn(content());
});

it('moves the focus to Cancel when a dialog that lost the focus is rendered again', async () => {
  await openLink();
  await keyboard.use(button('Revoke or cut off'), 'Enter');
  await page.getByRole('dialog').waitFor();
  await page.evaluate('document.activeElement.blur()');
  // The click renders the dialog again.
  await page.evaluate("document.querySelector('dialog input[type=radio]:not(:checked)').click()");
  await dialogButton('Revoke, then cut off').waitFor();
  await expect.poll(() => hasFocus(dialogButton('Cancel'))).toBe(true);
});

it('revokes a link by keyboard, with a choice about its grant', async () => {
  const id = await openLink();
  await keyboard.use(button('Revoke or cut off'), 'Enter');
  await keyboard.use(dialogButton('Revoke'), 'Enter');
  const choices = page.getByRole('group', { name: 'The site could join again' }).getByRole('radio');
  await keyboard.use(choices.first(), 'ArrowDown');
  await expect.poll(() => choices.last().isChecked()).toBe(true);
  expect(await axeViolations(page)).toEqual([]);
  await keyboard.use(dialogButton('Revoke'), 'Enter');
  await page.getByText('The link is revoked').waitFor();
  await page.keyboard.press('Escape');
  await waitForReturn(button('Cut off'));
  const { revokedAt } = await running.administration.showRedemption(id);
  const { state } = await running.administration.showGrant(grant.uid);
  expect([revokedAt !== undefined, state]).toEqual([true, 'ready']);
});

it('cuts a link off step by step by keyboard', async () => {
  await openLink();
  await keyboard.use(button('Revoke or cut off'), 'Enter');
  await keyboard.use(page.getByRole('radio', { name: 'Revoke:' }), 'ArrowDown');
  await keyboard.use(dialogButton('Revoke, then cut off'), 'Enter');
  await keyboard.use(page.getByRole('radio', { name: 'Revoke its grant too' }), 'Space');
  await keyboard.use(dialogButton('Revoke, then cut off'), 'Enter');
  await keyboard.use(dialogButton('The router trusts both CAs'), 'Enter');
  await page.getByText('The next step appears when the new CA signs').waitFor();
  await keyboard.use(dialogButton('Back'), 'Enter');
  await dialogButton('The router trusts both CAs').waitFor();
  await keyboard.use(dialogButton('Close').last(), 'Enter');
  await waitForReturn(button('Cut off'));
});

it('returns the focus when a dialog that replaced another one was rendered again before the next frame', async () => {
  await openLink();
  await keyboard.use(button('Revoke or cut off'), 'Enter');
  await keyboard.use(page.getByRole('radio', { name: 'Revoke:' }), 'ArrowDown');
  await keyboard.use(dialogButton('Revoke, then cut off'), 'Enter');
  await keyboard.use(page.getByRole('radio', { name: 'Revoke its grant too' }), 'Space');
  // The click renders the second dialog again directly after it was added. On a slow machine, new data do the same.
  await page.evaluate(`new MutationObserver((_changes, observer) => {
    const next = [...document.querySelectorAll('dialog button')].find((found) => /trusts both/.test(found.textContent));
    if (!next) return;
    observer.disconnect();
    next.click();
  }).observe(document.body, { childList: true, subtree: true })`);
  await keyboard.use(dialogButton('Revoke, then cut off'), 'Enter');
  await dialogButton('Back').waitFor();
  await page.keyboard.press('Escape');
  await waitForReturn(button('Cut off'));
});

it('revokes a grant with its links by keyboard, then deletes it', async () => {
  await running.addLinks(grant.uid, 2);
  await goTo(`/grants/${grant.uid}`);
  const opener = button('Revoke');
  await keyboard.use(opener, 'Enter');
  await keyboard.use(page.getByRole('checkbox', { name: 'Also revoke its links' }), 'Space');
  expect(await axeViolations(page)).toEqual([]);
  await keyboard.use(dialogButton('Revoke'), 'Enter');
  await page.getByText('It has 2 live links').waitFor();
  const { items } = await running.administration.listRedemptions({ limit: 5, grantUid: grant.uid });
  expect(items.map(({ revokedAt }) => revokedAt === undefined)).toEqual([false, false]);
  await pressDone();
  await waitForReturn(opener);
  // Wait until the page shows the revocation: a later change of the page would move the focused element out of view.
  await expect.poll(() => opener.getAttribute('aria-disabled')).toBe('true');
  await keyboard.use(page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link'), 'Enter');
  await keyboard.use(button('Delete ended grants'), 'Enter');
  const confirm = dialogButton(/^Delete [1-9]\d* grants?$/);
  await keyboard.reach(confirm);
  await expect.poll(() => confirm.getAttribute('aria-disabled')).toBe(null);
  await page.keyboard.press('Enter');
  await page.getByText(/grants? deleted/).waitFor();
  await pressDone();
  await waitForReturn(button('Delete ended grants'));
  await expect(running.administration.showGrant(grant.uid)).rejects.toThrow();
});

it('sorts, searches and downloads the links and opens one by keyboard', async () => {
  await running.addLinks(grant.uid, 3);
  await goTo(`/links?grantUid=${grant.uid}`);
  const row = (subject: string) => page.getByRole('link', { name: subject, exact: true });
  await row('site-1').waitFor();
  await keyboard.use(button('Subject'), 'Enter', 'Space');
  await expect.poll(() => new URL(page.url()).searchParams.get('sort')).toBe('-subject');
  await keyboard.write(page.getByRole('textbox', { name: 'Search' }), 'SITE-2');
  await row('site-1').waitFor({ state: 'detached' });
  await keyboard.reach(button('Download as CSV'));
  const downloading = page.waitForEvent('download');
  await page.keyboard.press('Enter');
  const [headings, line, ...rest] = readFileSync(await (await downloading).path(), 'utf8').split('\r\n');
  expect(headings).toMatch(/^Subject,Connected,Certificate,Expires,Overdue for renewal,Renewals,/);
  expect(line).toMatch(/^site-2,no,valid,/);
  expect(line).toContain(`,192.0.2.7,to-west,${grant.name},`);
  expect(rest).toEqual(['']);
  await keyboard.use(page.getByRole('combobox', { name: 'Certificate' }), 'ArrowDown');
  await expect.poll(() => new URL(page.url()).searchParams.get('state')).toBe('valid');
  await keyboard.use(row('site-2'), 'Enter');
  await page.getByRole('heading', { name: 'Link of site-2' }).waitFor();
  await expect.poll(() => hasFocus(content())).toBe(true);
});

it('pages through the ledger, filters, verifies and downloads it by keyboard', async () => {
  await running.addLinks(grant.uid, 60);
  await goTo('/ledger');
  await keyboard.reach(button('Download as CSV'));
  const downloading = page.waitForEvent('download');
  await page.keyboard.press('Enter');
  const csv = readFileSync(await (await downloading).path(), 'utf8');
  expect(csv).toContain('site-60');
  const lines = csv.split('\r\n');
  expect(lines[0]?.split(',').sort()).toEqual(Object.keys(EVENT_LISTING.csv ?? {}).sort());
  expect(lines.filter((line) => line.includes(',redeemed,')).length).toBeGreaterThanOrEqual(60);
  await keyboard.use(button('Verify the ledger'), 'Enter');
  await page.getByText('The ledger is unchanged').waitFor();
  await keyboard.use(button('Next page'), 'Enter');
  await expect.poll(() => new URL(page.url()).searchParams.has('cursor')).toBe(true);
  await expect.poll(() => hasFocus(content())).toBe(true);
  // A date field has a part for the month, the day and the year.
  await keyboard.use(page.getByLabel('Since', { exact: true }), ...'01022020');
  await expect.poll(() => new URL(page.url()).search).toBe('?since=2020-01-02');
  await keyboard.write(page.getByRole('textbox', { name: 'Subject' }), 'site-60');
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
});

it('moves between the sites of the map by keyboard', async () => {
  await running.addLinks(grant.uid, 2);
  await goTo('/map');
  const sites = page.getByRole('link', { name: /^site-\d+: / });
  await keyboard.reach(sites.first());
  await page.keyboard.press('Tab');
  expect(await hasFocus(sites.nth(1))).toBe(true);
  await page.keyboard.press('Shift+Tab');
  expect(await hasFocus(sites.first())).toBe(true);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Link of site-' }).waitFor();
});

it('switches theme and clock by keyboard', async () => {
  await goTo('/health');
  await keyboard.use(page.getByRole('combobox', { name: 'Theme' }), 'ArrowDown', 'ArrowDown');
  await page.locator('html.pf-v6-theme-dark').waitFor();
  await keyboard.use(page.getByRole('combobox', { name: 'Clock' }), 'ArrowDown');
  await keyboard.use(page.getByRole('link', { name: 'Ledger' }), 'Enter');
  await page
    .getByText(/\d UTC$/)
    .first()
    .waitFor();
});
