import { expect, it } from 'vitest';
import { expectAccessible } from './harness/browser.js';
import { hasFocus } from './harness/keyboard.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, grant, openLink } = await openGrantPage();
const { administration, service } = running;
const waysIn = page.getByRole('dialog').getByRole('region', { name: 'Ways back in' });
// The buttons of a dialog come last.
const press = (name: string) => page.getByRole('button', { name, exact: true }).last().press('Enter');
const otherGrants = waysIn.getByText(/other grants? can be redeemed/);
const really = waysIn.getByRole('button', { name: /^Really revoke/ });
const issue = (subject: string, grantUid = grant.uid) => administration.issueToken({ grantUid, subject });
const stateOf = async (grantUid: string, id: string) => {
  const { items } = await administration.listTokens({ limit: 10, grantUid });
  return items.find((token) => token.id === id)?.state;
};

it('names and revokes the open tokens of other grants for the site of a link', async () => {
  const other = await running.createGrant({ name: 'elsewhere' });
  const [{ id = '' }, { id: foreign = '' }] = [await issue('site-1', other), await issue('site-77', other)];
  await openLink();
  await press('Revoke or cut off');
  await waysIn.getByText('1 open token of other grants for this site').waitFor();
  await waysIn.getByRole('row', { name: id }).getByRole('link', { name: 'elsewhere' }).waitFor();
  expect(await waysIn.getByText(foreign).count()).toBe(0);
  await expectAccessible(page);
  await press(`Revoke token ${id}`);
  await press(`Really revoke token ${id}`);
  await waysIn.getByText('of other grants for this site').waitFor({ state: 'detached' });
  expect(await stateOf(other, id)).toBe('revoked');
});

it('asks one question at a time, and Escape closes the question before the dialog', async () => {
  const { id = '' } = await issue('site-78');
  await openLink();
  await press('Revoke or cut off');
  await press(`Revoke grant ${grant.name} with its tokens`);
  await press(`Revoke token ${id}`);
  await expect.poll(() => really.count()).toBe(1);
  // The focus is on a button that the Escape removes.
  await really.press('Escape');
  await expect.poll(() => really.count()).toBe(0);
  await expect.poll(() => hasFocus(waysIn)).toBe(true);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

it('does not revoke the link while a question is open', async () => {
  const { id = '' } = await issue('site-78');
  const other = await running.createGrant({ name: `other-than-${grant.name}` });
  await openLink();
  await press('Revoke or cut off');
  const main = page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).last();
  await press(`Revoke token ${id}`);
  await page.getByText('Confirm or cancel the other revocation first.').waitFor();
  expect(await main.isDisabled()).toBe(true);
  await expectAccessible(page);
  await press(`Cancel: revoke token ${id}`);
  await expect.poll(() => main.isDisabled()).toBe(false);
  await otherGrants.click();
  await press(`Revoke grant other-than-${grant.name}`);
  await expect.poll(() => main.isDisabled()).toBe(true);
  // The question would be hidden with the list.
  await otherGrants.click();
  await expect.poll(() => main.isDisabled()).toBe(false);
  await otherGrants.click();
  await press(`Revoke grant other-than-${grant.name}`);
  await press(`Really revoke grant other-than-${grant.name}`);
  await waysIn.getByRole('alert').getByText(`Revoked: grant other-than-${grant.name}`).waitFor();
  expect((await administration.showGrant(other)).state).toBe('revoked');
  await expect.poll(() => main.isDisabled()).toBe(false);
});

it('revokes nothing on a double click that closes the question of a token above', async () => {
  for (const subject of ['site-78', 'site-79']) await issue(subject);
  await openLink();
  await press('Revoke or cut off');
  const revoke = waysIn.getByRole('button', { name: /^Revoke token/ });
  await expect.poll(() => revoke.count()).toBe(2);
  await revoke.first().press('Enter');
  await really.waitFor();
  const lower = revoke.last();
  await lower.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await lower.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  // The first click moves the button away from the pointer.
  await page.mouse.dblclick(x + width / 2, y + height / 2);
  await page.waitForLoadState('networkidle');
  const { items } = await administration.listTokens({ limit: 10, grantUid: grant.uid });
  expect(items.map(({ state }) => state)).toEqual(['ready', 'ready']);
  // A single click revokes.
  await revoke.first().press('Enter');
  await really.click({ delay: 10 });
  await waysIn.getByRole('alert').getByText('Revoked: token').waitFor();
});

it('asks about one of two tokens with the same id, and revokes that one', async () => {
  const other = await running.createGrant({ name: `twin-of-${grant.name}` });
  const { id: jti = '' } = await issue('site-1');
  const code = await service.store.findCode(grant.uid, jti);
  if (code) await service.store.createCode({ ...code, grantUid: other });
  await openLink();
  await press('Revoke or cut off');
  const elsewhere = waysIn.getByRole('table', { name: 'Open tokens of other grants' });
  await elsewhere.getByRole('button', { name: `Revoke token ${jti}` }).press('Enter');
  await elsewhere.getByRole('button', { name: `Really revoke token ${jti}` }).waitFor();
  expect(await really.count()).toBe(1);
  await really.press('Enter');
  await elsewhere.waitFor({ state: 'detached' });
  expect([await stateOf(other, jti), await stateOf(grant.uid, jti)]).toEqual(['revoked', 'ready']);
});

it('moves the focus to the ways back in when another operator revokes the token of the question', async () => {
  const { id = '' } = await issue('site-78');
  await openLink();
  await press('Revoke or cut off');
  await press(`Revoke token ${id}`);
  await really.focus();
  await administration.revokeToken(grant.uid, id);
  await really.waitFor({ state: 'detached' });
  await expect.poll(() => hasFocus(waysIn)).toBe(true);
  // No question is left for Escape to close.
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

it('lets the link be revoked when another operator revokes the grant of the question', async () => {
  const name = `ended-beside-${grant.name}`;
  const other = await running.createGrant({ name });
  await openLink();
  await press('Revoke or cut off');
  await otherGrants.click();
  await press(`Revoke grant ${name}`);
  const main = page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).last();
  await expect.poll(() => main.isDisabled()).toBe(true);
  await administration.revokeGrant(other, false);
  await expect.poll(() => main.isDisabled()).toBe(false);
});
