import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openIssuers, SITE_CA } from '../../src/compose/site-issuer.js';
import { expectSuccess, linkgrant } from '../support/command-line.js';
import { recordRenewalOf, sampleRenewal } from '../support/store-samples.js';
import { axeViolations, expectAccessible } from './harness/browser.js';
import { hasFocus, KeyboardUser } from './harness/keyboard.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, opened, page, goTo, grant, openLink } = await openGrantPage();
const { administration } = running;

const dialog = () => page.getByRole('dialog');
const waysIn = () => dialog().getByRole('region', { name: 'Ways back in' });
// The buttons of a dialog come last.
const press = (name: string) => page.getByRole('button', { name, exact: true }).last().press('Enter');
const choose = (label: string) => page.getByLabel(label).press('Space');
const command = (id: string, words: string) =>
  dialog().getByText(`npx linkgrant redemption revoke ${id} --cut${words}`, { exact: true });

/** Changes the CA that signs links, by a command. */
const issuer = async (change: 'prepare' | 'activate' | 'retire') => {
  // A CA can be retired when no process signs with it any more.
  const clockOffsetMs = change === 'retire' ? 60_000 : 0;
  const command = ['issuer', change, SITE_CA, '--data-dir', running.service.directory];
  expectSuccess(await linkgrant(command, { clockOffsetMs }));
};

/** Records a renewal of a link with a certificate of another CA. */
const renew = (redemptionId: string) =>
  recordRenewalOf(running.service.store, sampleRenewal(redemptionId, 1), running.service.clock.read());

/** Revokes the links of earlier tests: a cut would cut them off too. */
async function revokeEarlierLinks(): Promise<void> {
  const { items } = await administration.listRedemptions({ limit: 100 });
  for (const { id } of items) await administration.revokeRedemption(id, 'keep-token');
}

it('names the open tokens of the grant of a link before and after the revocation, and revokes them there', async () => {
  const issue = (subject: string) => administration.issueToken({ grantUid: grant.uid, subject });
  const [{ id: first = '' }, { id: second = '' }] = [await issue('site-1'), await issue('שלום')];
  await openLink();
  await press('Revoke or cut off');
  await waysIn().getByText(`2 open tokens of grant ${grant.name} still let a site in`).waitFor();
  await waysIn().locator('bdi', { hasText: 'שלום' }).waitFor();
  await expectAccessible(page);
  const keyboard = new KeyboardUser(page);
  const button = (name: string) => waysIn().getByRole('button', { name, exact: true });
  // A second Enter cancels.
  await keyboard.use(button(`Revoke token ${first}`), 'Enter', 'Enter');
  await keyboard.use(button(`Revoke token ${first}`), 'Enter');
  await waysIn().getByRole('status').getByText(`Really revoke token ${first}?`).waitFor();
  await expect.poll(() => hasFocus(button(`Cancel: revoke token ${first}`))).toBe(true);
  await expectAccessible(page);
  await keyboard.use(button(`Really revoke token ${first}`), 'Enter', 'Enter');
  // Its buttons are removed with it.
  await waysIn().getByText(`1 open token of grant ${grant.name} still lets a site in`).waitFor();
  await waysIn().getByRole('alert').getByText(`Revoked: token ${first}`).waitFor();
  await expect.poll(() => hasFocus(waysIn())).toBe(true);
  await press('Revoke');
  await choose('Keep the token');
  await press('Revoke');
  await page.getByText('The link is revoked').waitFor();
  await waysIn().getByRole('row', { name: second }).waitFor();
  await press(`Revoke grant ${grant.name} with its tokens`);
  await press(`Really revoke grant ${grant.name} with its tokens`);
  await waysIn().getByText('let no site in again').waitFor();
  await expectAccessible(page);
  expect((await administration.showGrant(grant.uid)).state).toBe('revoked');
  const { items } = await administration.listTokens({ limit: 10, grantUid: grant.uid });
  expect(items.map(({ state }) => state)).toEqual(['revoked', 'revoked']);
});

it('opens the open tokens and the ready grants of the whole network beside the dialog, which stays open', async () => {
  const other = await running.createGrant({ name: 'for-lagos', policy: { 'linkgrant/subjects': 'lagos-*' } });
  const { id = '' } = await administration.issueToken({ grantUid: grant.uid });
  await openLink();
  await press('Revoke or cut off');
  await waysIn().getByText('1 other grant can be redeemed').click();
  const others = waysIn().getByRole('table', { name: 'Other grants that can be redeemed' });
  const row = others.getByRole('row', { name: 'for-lagos' });
  await row.getByText('lagos-*').waitFor();
  await row.getByText('local:ada').waitFor();
  expect(await others.getByRole('row').count()).toBe(2);
  await expectAccessible(page);
  for (const [name, text] of [
    ['for-lagos', 'local:ada'],
    ['all open tokens', id],
    ['all grants that are ready', grant.name],
  ] as const) {
    const tab = page.waitForEvent('popup');
    await waysIn().getByRole('link', { name }).press('Enter');
    const other = await tab;
    await other.getByText(text).first().waitFor();
    await other.close();
  }
  await waysIn().getByRole('cell', { name: 'any site' }).first().waitFor();
  await administration.revokeToken(grant.uid, id);
  await administration.revokeGrant(other, false);
  await waysIn().getByText('No other grant can be redeemed.').waitFor();
});

it('says that only the end of the grant ends its code, unless the grant accepts no codes', async () => {
  await openLink();
  await press('Revoke or cut off');
  await waysIn().getByText('The service does not know which sites have the code of the grant').waitFor();
  const policy = { 'linkgrant/identities': 'ci:*', 'linkgrant/identity-required': 'true' };
  await administration.updateGrant(grant.uid, { policy });
  await waysIn().getByText('with an identity or a token for a key.').waitFor();
  expect(await waysIn().getByText('the code of the grant').count()).toBe(0);
});

it('names the sites whose tokens end with a grant, and revokes nothing on a double click', async () => {
  const { id = '' } = await administration.issueToken({ grantUid: grant.uid, subject: 'paris' });
  await openLink();
  await press('Revoke or cut off');
  const before = opened.requests.length;
  for (const what of [`grant ${grant.name} with its tokens`, `token ${id}`]) {
    for (const part of [0.1, 0.5, 0.9]) {
      const button = waysIn().getByRole('button', { name: `Revoke ${what}`, exact: true });
      const box = await button.boundingBox();
      await button.dblclick({ position: { x: part * (box?.width ?? 0), y: 10 } });
      const cancel = waysIn().getByRole('button', { name: `Cancel: revoke ${what}` });
      if (await cancel.isVisible()) await cancel.click();
    }
  }
  expect(opened.requests.slice(before).filter((url) => url.endsWith('/revoke'))).toEqual([]);
  await waysIn()
    .getByRole('button', { name: `Revoke grant ${grant.name} with its tokens`, exact: true })
    .click();
  await waysIn().getByText('The open tokens for these sites end too: paris.').waitFor();
  await goTo(`/grants/${grant.uid}`);
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await dialog().getByText('The open tokens for these sites end too: paris.').waitFor();
  await expectAccessible(page);
});

it('revokes a link without a question after its grant was revoked in the dialog', async () => {
  const id = await openLink();
  await press('Revoke or cut off');
  await press('Revoke');
  await page.getByLabel('Revoke its grant too').waitFor();
  await press(`Revoke grant ${grant.name}`);
  await press(`Really revoke grant ${grant.name}`);
  await page.getByLabel('Revoke its grant too').waitFor({ state: 'detached' });
  await press('Revoke');
  await page.getByText('The link is revoked').waitFor();
  expect((await administration.showRedemption(id)).revokedAt).toBeDefined();
});

it('shows the ways in of the first 5 grants, and how many grants it has not read', async () => {
  const uids = [];
  for (let number = 1; number <= 6; number += 1) {
    const uid = await running.createGrant({ name: `bulk-${number}` });
    await running.addLinks(uid, 1, { subject: `bulk-${number}` });
    uids.push(uid);
  }
  await goTo('/links?search=bulk-');
  await choose('Select all rows of this page');
  await press('Revoke or cut off 6 links');
  await expect.poll(() => waysIn().getByText('still lets a site in').count()).toBe(5);
  await waysIn().getByText('1 more grant may be open too').waitFor();
  await expectAccessible(page);
  await press('Revoke 6 links');
  await choose('Revoke its grant too');
  await press('Revoke 6 links');
  await dialog().getByText('6 links revoked', { exact: true }).waitFor();
  await expect.poll(() => waysIn().getByText('still lets a site in').count()).toBe(0);
  const states = await Promise.all(uids.map(async (uid) => (await administration.showGrant(uid)).state));
  expect(states).toEqual(Array(6).fill('revoked'));
});

it('does not let a link be cut off while its grant stays redeemable', async () => {
  await openLink();
  const cutOff = page.getByRole('button', { name: 'Revoke, then cut off' });
  await press('Revoke or cut off');
  await press('Revoke');
  await choose('Keep the token');
  await choose('Cut off:');
  expect(await cutOff.getAttribute('aria-disabled')).toBe('true');
  expect(await page.getByLabel('Keep the token').count()).toBe(0);
  expect(await axeViolations(page)).toEqual([]);
  await choose('Revoke its grant too');
  await cutOff.press('Enter');
  await page.getByText('Not cut off yet').waitFor();
  expect((await administration.showGrant(grant.uid)).state).toBe('revoked');
});

it('lists the links that have not renewed while their issuer cannot be read', async () => {
  const id = await openLink();
  await running.addLinks(grant.uid, 1);
  await administration.revokeRedemption(id, 'with-grant');
  const { directory, clock } = running.service;
  const [ca] = openIssuers(directory, { clock: clock.read, checkpoint: () => {} }).list(SITE_CA);
  const file = ca?.certificateFile ?? '';
  const certificate = readFileSync(file);
  writeFileSync(file, 'damaged');
  try {
    await page.reload();
    await press('Cut off');
    await page.getByText('The issuer cannot be read').waitFor();
    await press('This step is done');
    await press('This step is done');
    await page.getByText(/links? would be cut off too/).waitFor();
  } finally {
    writeFileSync(file, certificate);
  }
});

it('guides through cutting two links off, detects the steps that the CAs show, and shows on their pages that they are pending', async () => {
  await revokeEarlierLinks();
  const other = await running.createGrant({ name: `other-${grant.name}` });
  await running.addLinks(other, 2, { subject: 'remaining' });
  await running.addLinks(grant.uid, 2, { subject: 'leaver' });
  const connecting = page.getByRole('row').getByText('revoked, can still connect');
  const pending = page.getByText('The CA of this link is being replaced');

  await goTo(`/links?grantUid=${grant.uid}`);
  await choose('Select all rows of this page');
  await press('Revoke or cut off 2 links');
  const rows = (text: string) => dialog().getByRole('row').getByText(text).count();
  await expect.poll(() => rows('It can reconnect until ')).toBe(2);
  await choose('Cut off:');
  // The date of the certificate is not what ends these links.
  await expect.poll(() => rows('It is revoked at once. It can reconnect until its CA is replaced')).toBe(2);
  await expectAccessible(page);
  await press('Revoke 2 links, then cut off');
  await choose('Revoke its grant too');
  await press('Revoke 2 links, then cut off');
  await page.getByText('Not cut off yet').waitFor();
  await page.getByText('The commands name one link, and cut off all 2').waitFor();
  const { items } = await administration.listRedemptions({ limit: 2, grantUid: grant.uid });
  const isFirst = await command(items[0]?.id ?? '', '').isVisible();
  const [id, second] = isFirst ? [items[0]?.id ?? '', items[1]?.id] : [items[1]?.id ?? '', items[0]?.id];
  await command(id, '').waitFor();
  expect(await page.locator('dialog .pf-m-primary').count()).toBe(0);
  await dialog().getByText('You can close this dialog. To continue, choose Cut off').waitFor();
  await dialog().getByText('All steps with their commands, to send').click();
  await expectAccessible(page);
  const allSteps = dialog().getByRole('figure', { name: 'All steps' });
  const lines = (await allSteps.locator('code').textContent())?.split('\n') ?? [];
  const start = `npx linkgrant redemption revoke ${id} --cut`;
  const onHost = 'On the host of the service: ';
  expect(lines.flatMap((line) => line.split(onHost).slice(1))).toEqual([
    start,
    ...[1, 2, 3, 4, 5, 6].map((done) => `${start} --continue ${done}`),
  ]);
  await press('Close');
  await goTo('/');
  await page.getByText(/^\d+ revoked links can still connect$/).waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Open the list', exact: true }).click();
  await expect.poll(() => connecting.count()).toBeGreaterThanOrEqual(2);
  await goTo(`/links/${second}`);
  await page.getByText('It can still').waitFor();
  expect(await pending.count()).toBe(0);

  await issuer('prepare');
  await pending.waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await goTo(`/links/${id}`);
  await press('Continue to cut it off');
  await page.getByText('The new CA exists, and does not sign yet').waitFor();
  await press('The router trusts both CAs');
  await command(id, ' --continue 1').waitFor();
  await page.getByText('Let the router trust both CAs – confirmed, not checked here').waitFor();
  await expectAccessible(page);

  await issuer('activate');
  await page.getByText('2 links would be cut off too').waitFor();
  await page.getByText('Let the new CA sign – done', { exact: true }).waitFor();
  await press('Do not wait for links that have not renewed');
  await command(id, ' --continue 3 --force').waitFor();
  await press('Back');
  await expectAccessible(page);
  const remaining = await administration.listRedemptions({ limit: 10, grantUid: other });
  for (const { id: redemptionId } of remaining.items) await renew(redemptionId);
  await page.getByText('Every other link has renewed').waitFor();
  await command(id, ' --continue 3').waitFor();
  await press('Every link has connected again');
  await press('The router has its new certificate');
  await press('The router trusts only the new CA');
  await command(id, ' --continue 6').waitFor();
  await page.getByText('The command dials the router').waitFor();

  await issuer('retire');
  await page.getByText('The old CA is removed from all responses').waitFor();
  await expectAccessible(page);
  await press('Close');
  await pending.waitFor({ state: 'detached' });
  await goTo('/links?state=revoked');
  await page.getByRole('row').getByText('revoked', { exact: true }).first().waitFor();
  expect(await connecting.count()).toBe(0);
  await goTo('/');
  await page.getByRole('heading', { name: 'Needs attention' }).waitFor();
  await page.getByText('can still connect').waitFor({ state: 'detached' });
});
