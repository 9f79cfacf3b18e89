import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { releaseAfterTest } from '../support/release.js';
import { DAY } from '../support/service.js';
import { withSqliteFile } from '../support/stores/sqlite-file.js';
import { axeViolations, expectAccessible, openConsole, startBrowser } from './harness/browser.js';
import { startConsoleService } from './harness/console-service.js';
import { hasFocus, KeyboardUser } from './harness/keyboard.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, goTo, grant } = await openGrantPage();
const keyboard = new KeyboardUser(page);

const button = (name: string) => page.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const dialogButton = (name: string) => dialog().getByRole('button', { name, exact: true });
const checkBox = (name: string) => page.getByRole('checkbox', { name, exact: true });

/** The links of the grant of the current test, by subject. */
async function linksOfGrant() {
  const { items } = await running.administration.listLinks({
    limit: 100,
    grantUid: grant.uid,
    sort: 'subject',
  });
  return items;
}

async function openLinks(count: number): Promise<void> {
  await running.addLinks(grant.uid, count);
  await goTo(`/links?grantUid=${grant.uid}&sort=subject`);
  await page.getByRole('link', { name: 'site-1', exact: true }).waitFor();
}

it('selects 20 links and revokes them at once by keyboard, with a note and a choice about their grant', async () => {
  await openLinks(22);
  for (let number = 1; number <= 20; number += 1)
    await keyboard.use(checkBox(`Select site-${number}`), 'Space');
  await keyboard.use(button('Revoke or cut off 20 links'), 'Enter');
  await dialog().getByText('It can reconnect until').first().waitFor();
  await expectAccessible(page);
  await keyboard.write(dialog().getByRole('textbox', { name: 'Note' }), 'contract ended');
  await keyboard.use(dialogButton('Revoke 20 links'), 'Enter');
  await dialog().getByText('20 of 20 links are not revoked').waitFor();
  await expectAccessible(page);
  await keyboard.use(page.getByRole('radio', { name: 'Revoke its grant too' }), 'ArrowDown');
  const ids = (await linksOfGrant()).slice(0, 20).map(({ id }) => id);
  const command = `npx linkgrant redemption revoke ${ids.join(' ')} --keep-token --note 'contract ended'`;
  await dialog().getByText(command, { exact: true }).waitFor();
  await keyboard.use(dialogButton('Revoke 20 links'), 'Enter');
  await dialog().getByText('20 links revoked', { exact: true }).waitFor();
  await dialog().getByText('It can still connect until').first().waitFor();
  await expectAccessible(page);
  await expect.poll(() => hasFocus(dialogButton('Done'))).toBe(true);
  await page.keyboard.press('Enter');
  await dialog().waitFor({ state: 'detached' });
  const links = await linksOfGrant();
  expect(links.map(({ state }) => state === 'revoked')).toEqual([...Array(20).fill(true), false, false]);
  expect(links.map(({ note }) => note)).toEqual([...Array(20).fill('contract ended'), undefined, undefined]);
  expect((await running.administration.showGrant(grant.uid)).state).toBe('ready');
  await page.getByText('selected').waitFor({ state: 'detached' });
});

it('revokes the other links if one fails, and repeats only the one that failed', async () => {
  await openLinks(12);
  await checkBox('Select all rows of this page').press('Space');
  await button('Revoke or cut off 12 links').press('Enter');
  await dialogButton('Revoke 12 links').press('Enter');
  // The choice appears with the first refusal. The routes below are for later requests only.
  await dialog().getByText('12 of 12 links are not revoked').waitFor();
  await page.getByRole('radio', { name: 'Keep the token' }).press('Space');
  const [first] = await linksOfGrant();
  const url = `**/api/v1/redemptions/${first?.id}/revoke`;
  await page.route(url, (route) => route.abort('connectionrefused'));
  await dialogButton('Revoke 12 links').press('Enter');
  await dialog().getByText('1 of 12 links is not revoked').waitFor();
  await dialog().getByRole('row', { name: 'site-1' }).getByText('No response arrived').waitFor();
  expect((await linksOfGrant()).filter(({ state }) => state !== 'revoked').map(({ id }) => id)).toEqual([
    first?.id,
  ]);
  await page.unroute(url);
  await dialogButton('Revoke 1 link').press('Enter');
  await dialog().getByText('12 links revoked', { exact: true }).waitFor();
  expect((await linksOfGrant()).every(({ state }) => state === 'revoked')).toBe(true);
});

it('starts no further revocation after the dialog is closed', async () => {
  await openLinks(12);
  await checkBox('Select all rows of this page').press('Space');
  await button('Revoke or cut off 12 links').press('Enter');
  await dialogButton('Revoke 12 links').press('Enter');
  // The choice appears with the first refusal. The routes below are for later requests only.
  await dialog().getByText('12 of 12 links are not revoked').waitFor();
  await page.getByRole('radio', { name: 'Keep the token' }).press('Space');
  let answer = () => {};
  const isClosed = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let requests = 0;
  await page.route('**/revoke', async (route) => {
    requests += 1;
    await isClosed;
    await route.continue();
  });
  await dialogButton('Revoke 12 links').press('Enter');
  await expect.poll(() => requests).toBe(4);
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  answer();
  const revoked = page.locator('tbody').getByText('revoked, can still connect');
  await expect.poll(() => revoked.count()).toBe(4);
  expect(requests).toBe(4);
  await page.unroute('**/revoke');
  await page.getByText('12 links selected').waitFor();
});

it('asks about a token only for the links that were redeemed with one', async () => {
  await openLinks(1);
  const { id: tokenId = '' } = await running.administration.issueToken({
    grantUid: grant.uid,
    redemptionsAllowed: 2,
  });
  const jti = { jti: tokenId, subject: 'with-token' };
  await running.addLinks(grant.uid, 1, jti);
  await page.getByRole('link', { name: 'with-token', exact: true }).waitFor();
  await checkBox('Select all rows of this page').press('Space');
  await button('Revoke or cut off 2 links').press('Enter');
  await dialogButton('Revoke 2 links').press('Enter');
  await page.getByRole('radio', { name: 'Revoke its token too' }).press('Space');
  await dialogButton('Revoke 1 link').press('Enter');
  await dialog().getByText('1 of 2 links is not revoked').waitFor();
  expect(await page.getByRole('radio', { name: 'Revoke its token too' }).count()).toBe(0);
  await dialogButton('Cancel').press('Enter');
  await page.getByText('1 link selected').waitFor();
  expect((await linksOfGrant()).map(({ subject, state }) => [subject, state])).toEqual([
    ['site-1', 'valid'],
    ['with-token', 'revoked'],
  ]);
});

it('keeps links selected on other pages and behind filters', async () => {
  await openLinks(60);
  await checkBox('Select all rows of this page').press('Space');
  await button('Next page').press('Enter');
  await checkBox('Select site-60').press('Space');
  await page.getByText('51 links selected').waitFor();
  await page.getByLabel('Search').fill('site-60');
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
  expect(await checkBox('Select site-60').isChecked()).toBe(true);
  await page.getByText('51 links selected').waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await button('Clear the selection').press('Enter');
  expect(await checkBox('Select site-60').isChecked()).toBe(false);
  expect(await hasFocus(checkBox('Select all rows of this page'))).toBe(true);
});

/** Adds links of the grant whose certificates end after these numbers of days, issued `age` days ago. */
async function addExpiring(daysLeft: Readonly<Record<string, number>>, age = 0): Promise<void> {
  const now = running.service.clock.read();
  for (const [subject, days] of Object.entries(daysLeft))
    await running.addLinks(grant.uid, 1, { subject, createdAt: now - age * DAY, notAfter: now + days * DAY });
}

const subjects = () => page.locator('tbody th[scope="row"] a[href*="/links/"]').allTextContents();
const choose = (filter: string, choice: string) =>
  page.getByRole('combobox', { name: filter, exact: true }).selectOption(choice);

it('lists the links that expire within a time, the soonest first, unless another order is chosen', async () => {
  await addExpiring({ 'in-20-days': 20, 'in-3-days': 3, 'in-6-days': 6, 'in-60-days': 60, ended: -1 });
  await goTo(`/links?grantUid=${grant.uid}`);
  await choose('Expires', 'Within 30 days');
  await expect.poll(subjects).toEqual(['in-3-days', 'in-6-days', 'in-20-days']);
  const command = `linkgrant redemption list -A --grant ${grant.uid} --expires-within`;
  await page.getByText(`${command} 30d`, { exact: false }).waitFor();
  await page.getByText('A site that renews its link in time stays connected').waitFor();
  await choose('Expires', 'Within 7 days');
  await expect.poll(subjects).toEqual(['in-3-days', 'in-6-days']);
  await page.getByRole('columnheader', { name: 'Expires' }).getByRole('button').press('Enter');
  await expect.poll(subjects).toEqual(['in-6-days', 'in-3-days']);
  await choose('Expires', 'This month');
  const today = new Date();
  const nextMonth = new Date(today.getFullYear(), today.getMonth() + 1, 1).toISOString();
  await page.getByText(`${command} ${nextMonth.replace('.000', '')}`, { exact: false }).waitFor();
  await expectAccessible(page);
});

it('says beside the filters and on the Overview when a link that ends soon counts as expiring', async () => {
  const meaning = page.getByText('at most a third of its lifetime is left');
  await addExpiring({ renewing: 3 });
  await addExpiring({ forgotten: 3 }, 27);
  await goTo(`/links?grantUid=${grant.uid}`);
  await meaning.waitFor();
  await choose('Certificate', 'Expiring, not renewed');
  await expect.poll(subjects).toEqual(['forgotten']);
  await page.locator('tbody').getByText('expiring, not renewed', { exact: true }).waitFor();
  await goTo('/');
  await meaning.waitFor();
  await page.getByRole('link', { name: 'All links that expire this month' }).click();
  await expect.poll(() => new URL(page.url()).searchParams.get('expires')).toBe('month');
});

it('opens from a figure of the Overview the links that it counts', async () => {
  await addExpiring({ renewing: 3, ended: -1 });
  await addExpiring({ forgotten: 3 }, 27);
  for (const name of ['Links valid', 'Links expiring, not renewed', 'Links overdue for renewal']) {
    await goTo('/');
    const figure = page.locator('a.figure', { hasText: name });
    const value = await figure.locator('.figure-value').textContent();
    const line = "getComputedStyle(document.querySelector('.figure-name')).textDecorationLine";
    expect(await page.evaluate(line)).toBe('underline');
    await figure.click();
    await page.getByText(new RegExp(`( of ${value}|^${value} shown)$`)).waitFor();
  }
});

/**
 * Clicks a button that downloads a file whose name begins with `list`, and returns the rows of the file without quotes, the headings
 * first. The page says what was saved.
 */
async function downloadedRows(name: string, list = 'links'): Promise<string[][]> {
  const downloading = page.waitForEvent('download');
  await button(name).click();
  const saved = await downloading;
  expect(saved.suggestedFilename()).toMatch(new RegExp(`^${list}-\\d{4}-\\d\\d-\\d\\d\\.csv$`));
  const text = readFileSync(await saved.path(), 'utf8');
  const rows = text
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','));
  await page
    .getByText(new RegExp(`saves ${saved.suggestedFilename()} with ${rows.length - 1} rows?$`))
    .waitFor();
  return rows;
}

it('downloads the filtered links, or only the selected ones, in the order of the table', async () => {
  await openLinks(12);
  await page.getByLabel('Search').fill('site-?');
  await page.getByRole('columnheader', { name: 'Subject' }).getByRole('button').click();
  await expect.poll(subjects).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1].map((number) => `site-${number}`));
  const [headings, ...rows] = await downloadedRows('Download as CSV');
  expect(headings?.slice(0, 4)).toEqual(['Subject', 'Connected', 'Certificate', 'Expires']);
  expect(rows.map(([subject]) => subject)).toEqual(await subjects());
  expect(rows[0]?.slice(1, 4)).toEqual(['no', 'valid', expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/)]);
  await checkBox('Select site-2').check();
  await checkBox('Select site-9').check();
  // A selected link is in the file although the filter hides it.
  await page.getByLabel('Search').fill('site-2');
  await expect.poll(subjects).toEqual(['site-2']);
  const [, ...selected] = await downloadedRows('Download 2 selected links as CSV');
  expect(selected.map(([subject]) => subject)).toEqual(['site-9', 'site-2']);
  await button('Clear the selection').click();
  await goTo(`/links?grantUid=${grant.uid}`);
  await expect.poll(async () => (await subjects()).length).toBe(12);
  expect((await downloadedRows('Download as CSV')).slice(1).map(([subject]) => subject)).toEqual(
    await subjects(),
  );
  await goTo('/links?expires=30d');
  await downloadedRows('Download as CSV', 'links-expire-within-30-days');
});

it('filters by a label that is clicked, and leaves the other filters and the order', async () => {
  await openLinks(2);
  const [first] = await linksOfGrant();
  await running.administration.updateRedemption(first?.id ?? '', { labels: { team: 'payments' } });
  await page.getByRole('link', { name: 'team=payments' }).click();
  await expect.poll(subjects).toEqual(['site-1']);
  expect(await page.getByLabel('Labels').inputValue()).toBe('team=payments');
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
    ...{ grantUid: grant.uid, sort: 'subject', label: 'team=payments' },
  });
  await expectAccessible(page);
});

it('opens a page from the menu at its top, with the header in view', async () => {
  await openLinks(60);
  const menu = page.getByRole('navigation', { name: 'Screens' });
  // The second time, the rows are shown at once.
  for (const name of ['Links', 'Health', 'Links']) {
    await menu.getByRole('link', { name }).click();
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    if (name === 'Links') await page.getByText('1–50 of').waitFor();
    expect(await hasFocus(page.locator('main'))).toBe(true);
    expect(await page.evaluate('window.scrollY')).toBe(0);
  }
});

it('does not report that no token is open while many ended ones precede an open one', async () => {
  const { id = '' } = await running.administration.issueToken({ grantUid: grant.uid });
  // More than the console searches at once: 20 pages of 2,000 tokens. Ids of issued tokens are random.
  withSqliteFile(join(running.service.directory, 'linkgrant.db'), (database) =>
    database.exec(`INSERT INTO codes (grant_uid, jti, uses, used, expires_at, subject, issued_at, revoked_at)
      WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
      SELECT '${grant.uid}', printf('!%06d', i), 1, 1, 0, NULL, 0, NULL FROM n`),
  );
  await goTo('/tokens');
  await page.getByText('No open token on this page').waitFor();
  expect(await page.getByText('No token is open').count()).toBe(0);
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByRole('rowheader', { name: id }).waitFor();
});

it('has a column and a figure of connected links only if the service observes them, and else says how it can observe them', async () => {
  await openLinks(1);
  const header = page.getByRole('columnheader', { name: 'Connected' });
  await header.waitFor();
  const browser = releaseAfterTest(await startBrowser());
  const other = releaseAfterTest(await startConsoleService({ observesConnections: false }));
  await other.addLinks(await other.createGrant({ name: 'to-west' }), 1);
  const unobserved = await openConsole(browser, other.console.issueUrl());
  await unobserved.page.goto(`${other.console.origin}/console/links`);
  await unobserved.page.getByRole('link', { name: 'site-1', exact: true }).waitFor();
  await unobserved.page.getByText('on its store, with --observer').waitFor();
  expect(await unobserved.page.getByRole('columnheader', { name: 'Connected' }).count()).toBe(0);
  expect(await page.getByText('on its store, with --observer').count()).toBe(0);
  await unobserved.page.goto(`${other.console.origin}/console/`);
  await unobserved.page.getByText('on its store, with --observer').waitFor();
  expect(await unobserved.page.getByText('Links connected').count()).toBe(0);
  await expectAccessible(unobserved.page);
  await goTo('/');
  await page.getByText('Links connected').waitFor();
});
