import { expect, it } from 'vitest';
import { releaseAfterTest } from '../support/release.js';
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
  await keyboard.use(button('Revoke 20 links'), 'Enter');
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
  await button('Revoke 12 links').press('Enter');
  await dialogButton('Revoke 12 links').press('Enter');
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
  await button('Revoke 12 links').press('Enter');
  await dialogButton('Revoke 12 links').press('Enter');
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
  const revoked = page.locator('tbody').getByText('revoked', { exact: true });
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
  await button('Revoke 2 links').press('Enter');
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
