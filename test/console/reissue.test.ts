import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { expectSuccess, linkgrantProcess } from '../support/command-line.js';
import { directoryForFile } from '../support/release.js';
import { expectAccessible } from './harness/browser.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, grant, openLink, goTo } = await openGrantPage();
const { administration, service } = running;
const directory = directoryForFile();

const reissue = () => page.getByText('New token for this link').click();
const creating = page.getByRole('dialog', { name: 'Create a grant for site-1' });

/** Creates the grant that the dialog proposes, issues its token, and returns the grant. */
async function createAndIssue(name: string) {
  await creating.waitFor();
  const create = creating.getByRole('button', { name: 'Create, then issue a token' });
  await expect.poll(() => create.isEnabled()).toBe(true);
  expect(await creating.getByLabel('Name').first().inputValue()).toBe(name);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: `Issue a token of grant ${name}` }).waitFor();
  await page.getByText('When the site site-1 redeems the token, its present link is revoked').waitFor();
  await page.getByRole('button', { name: 'Issue the token' }).press('Enter');
  await page.getByText('Waiting for the site').waitFor();
  await page.getByRole('button', { name: 'Copy: Command for the site' }).press('Enter');
  await page.getByRole('button', { name: 'Done' }).press('Enter');
  const { uid } = await administration.findGrant('default', name);
  return administration.showGrant(uid);
}

beforeEach(async () => {
  // The names of the grants that earlier tests have created are free again.
  const { items } = await administration.listGrants({ limit: 100 });
  for (const { uid, name } of items) if (name !== grant.name) await administration.deleteGrant(uid);
});

it('issues a token of the same grant for the site of a link while the grant has a use left, and both links show the other', async () => {
  const id = await openLink();
  await reissue();
  const dialog = page.getByRole('dialog', { name: `Issue a token of grant ${grant.name}` });
  await dialog.getByText('its present link is revoked').waitFor();
  expect(await dialog.getByLabel('Only for the subject').count()).toBe(0);
  expect(await dialog.getByText(`--replaces ${id}`).count()).toBe(1);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Issue the token' }).press('Enter');
  await page.getByText('Waiting for the site').waitFor();
  const command = await page
    .getByRole('figure', { name: 'Command for the site' })
    .locator('code')
    .textContent();
  const [line = ''] = /lgj1_\w+/.exec(command ?? '') ?? [];
  const to = ['--to', join(directory, 'links'), '--data-dir', directory];
  expectSuccess(await linkgrantProcess(['join', '-', ...to], { input: line }));
  await page.getByText('has redeemed the token').waitFor();
  const replacedBy = (await administration.showRedemption(id)).replacedBy ?? '';
  await goTo(`/links/${id}`);
  await page.getByRole('link', { name: replacedBy }).click();
  await page.getByRole('link', { name: id }).waitFor();
  await goTo(`/links/${id}`);
  await page.getByRole('link', { name: replacedBy }).waitFor();
  expect(await page.getByText('New token for this link').count()).toBe(0);
});

it('creates a grant for the site of a link whose grant has no use left, with the rules of that grant', async () => {
  await administration.updateGrant(grant.uid, {
    redemptionsAllowed: 1,
    policy: { 'linkgrant/key-types': 'p256', 'linkgrant/subjects': 'site-*' },
  });
  await openLink();
  await reissue();
  await creating.getByText(`Grant ${grant.name} has no use left`).waitFor();
  await expectAccessible(page);
  const created = await createAndIssue('site-1');
  expect(created).toMatchObject({
    redemptionsAllowed: 1,
    expirationWindow: '1d',
    policy: { 'linkgrant/key-types': 'p256', 'linkgrant/subjects': 'site-1' },
  });
});

it.each([
  ['is revoked', () => administration.revokeGrant(grant.uid, false)],
  ['has expired', async () => service.clock.advance(8 * 24 * 3_600_000)],
])('creates a grant for the site of a link whose grant %s', async (end, endGrant) => {
  await openLink();
  await endGrant();
  await reissue();
  await creating.getByText(`Grant ${grant.name} ${end}`).waitFor();
  expect((await createAndIssue('site-1')).policy).toEqual({ 'linkgrant/subjects': 'site-1' });
});

it('creates a grant for the site of a link whose grant was deleted', async () => {
  const id = await openLink();
  await administration.deleteGrant(grant.uid);
  await goTo(`/links/${id}`);
  await reissue();
  await creating.getByText('The grant of this link was deleted').waitFor();
  await createAndIssue('site-1');
});

it('proposes another name if the ended grant has the name of the site', async () => {
  const uid = await running.createGrant({ name: 'site-1', redemptionsAllowed: 1 });
  await running.addLinks(uid, 1);
  const { items } = await administration.listRedemptions({ limit: 1, grantUid: uid });
  await goTo(`/grants/${uid}?issue=token&subject=site-1&replaces=${items[0]?.id}`);
  await createAndIssue('site-1-2');
});

it('issues no token of a grant that has ended, and offers to create one', async () => {
  await administration.revokeGrant(grant.uid, false);
  await goTo(`/grants/${grant.uid}?issue=token`);
  const button = page.getByRole('button', { name: 'Issue the token' });
  expect(await button.getAttribute('aria-disabled')).toBe('true');
  await page.getByRole('dialog').getByRole('link', { name: 'Create a new grant' }).press('Enter');
  await page.getByRole('dialog', { name: 'Create a grant', exact: true }).waitFor();
});
