import { afterEach, expect, it, onTestFinished } from 'vitest';
import { storedGrant } from '../support/store-samples.js';
import { expectAccessible } from './harness/browser.js';
import { hasFocus, KeyboardUser } from './harness/keyboard.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, goTo, grant } = await openGrantPage();
const { showGrant, updateGrant } = running.administration;
const dialog = page.getByRole('dialog');
const field = (label: string) => dialog.getByRole('textbox', { name: label });
const keyboard = new KeyboardUser(page);

afterEach(async () => {
  await page.unrouteAll();
  await page.setViewportSize({ width: 1280, height: 800 });
});

async function openDialog(): Promise<void> {
  await goTo(`/grants/${grant.uid}`);
  await keyboard.use(page.getByRole('button', { name: 'Change', exact: true }), 'Enter');
  await field('How many sites can join').waitFor();
}

const command = (flags: string) =>
  page.getByText(`npx linkgrant grant update ${grant.name} --namespace default ${flags}`, { exact: true });

it.each([
  [1280, 800],
  [390, 844],
])(
  'changes sites allowed, expiry and rules of a grant by keyboard in a window of %i × %i',
  async (width, height) => {
    await page.setViewportSize({ width, height });
    await updateGrant(grant.uid, { policy: { 'linkgrant/names': 'a', 'linkgrant/csr-required': 'true' } });
    await openDialog();
    await dialog.getByText('Nothing is changed yet.').waitFor();
    await keyboard.write(field('How many sites can join'), '7');
    await command('--redemptions-allowed 7').waitFor();
    await keyboard.write(field('How long it can be redeemed'), '9d');
    // The rules are open, because the grant has some.
    await keyboard.write(field('Subjects'), 'east,branch-*');
    await keyboard.use(field('Link names'), 'Control+A', 'Delete');
    await keyboard.use(dialog.getByLabel('Sites must generate their private key'), 'Space');
    const flags =
      "--redemptions-allowed 7 --expiration-window 9d --subjects 'east,branch-*' --unset names,csr-required";
    await command(flags).waitFor();
    await expectAccessible(page);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await keyboard.use(dialog.getByRole('button', { name: 'Save' }), 'Enter');
    await dialog.waitFor({ state: 'detached' });
    const { redemptionsAllowed, expirationWindow, policy } = await showGrant(grant.uid);
    expect({ redemptionsAllowed, expirationWindow, policy }).toEqual({
      redemptionsAllowed: 7,
      expirationWindow: '9d',
      policy: { 'linkgrant/subjects': 'east,branch-*' },
    });
    await page.getByText('Only these subjects may redeem it: east, branch-*.').waitFor();
  },
);

it('saves only what the user has changed of a grant, and does not overwrite a concurrent change of another user', async () => {
  await openDialog();
  await updateGrant(grant.uid, { expirationWindow: '8d', policy: { 'linkgrant/names': 'a' } });
  await page.getByText('Only these link names are allowed: a.').waitFor();
  await field('How many sites can join').fill('30');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  expect(await showGrant(grant.uid)).toMatchObject({
    redemptionsAllowed: 30,
    expirationWindow: '8d',
    policy: { 'linkgrant/names': 'a' },
  });
});

it('says which of the changed fields another user has changed meanwhile, with the present value', async () => {
  await openDialog();
  await field('How many sites can join').fill('30');
  await updateGrant(grant.uid, { redemptionsAllowed: 25, expirationWindow: '8d' });
  await dialog.getByText('It now has: How many sites can join: 25. Save replaces this.').waitFor();
  await expectAccessible(page);
  await keyboard.use(dialog.getByRole('button', { name: 'Save' }), 'Enter');
  await dialog.waitFor({ state: 'detached' });
  expect(await showGrant(grant.uid)).toMatchObject({ redemptionsAllowed: 30, expirationWindow: '8d' });
});

it('does not report the own change as that of another user after its response was lost', async () => {
  await openDialog();
  await page.route('**/api/v1/grants/*', async (route) => {
    if (route.request().method() !== 'PATCH') return route.continue();
    await updateGrant(grant.uid, { redemptionsAllowed: 31 });
    await route.abort();
  });
  await keyboard.write(field('How many sites can join'), '31');
  await keyboard.use(dialog.getByRole('button', { name: 'Save' }), 'Enter');
  await dialog.getByText('No response arrived.').waitFor();
  await page.getByRole('definition').getByText('0 of 31', { exact: true }).waitFor();
  expect(await dialog.getByText('The grant was changed meanwhile').count()).toBe(0);
  await page.unrouteAll();
  await keyboard.use(dialog.getByRole('button', { name: 'Save' }), 'Enter');
  await dialog.waitFor({ state: 'detached' });
});

const extension = page.getByRole('region', { name: 'Extend it' });

it.each([
  [1280, 800],
  [390, 844],
])('extends a used up grant by a site at one key press in a window of %i × %i', async (width, height) => {
  await page.setViewportSize({ width, height });
  await updateGrant(grant.uid, { redemptionsAllowed: 2 });
  await goTo(`/grants/${grant.uid}`);
  await page.getByRole('heading', { name: 'What it allows' }).waitFor();
  expect(await extension.count()).toBe(0);
  await running.addLinks(grant.uid, 2);
  await extension.getByText('2 of 2 redeemed').waitFor();
  await page.getByText('This grant is used up').waitFor();
  await command('--redemptions-allowed 3').waitFor();
  expect(await extension.getByRole('button', { name: /^Add 1 (hour|day)$/ }).count()).toBe(0);
  await expectAccessible(page);
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  const addSite = extension.getByRole('button', { name: 'Add 1 site', exact: true });
  await keyboard.use(addSite, 'Enter');
  await extension.getByText('2 of 3 redeemed').waitFor();
  expect(await hasFocus(addSite)).toBe(true);
  await page.keyboard.press('Enter');
  await extension.getByText('2 of 4 redeemed').waitFor();
  expect(await showGrant(grant.uid)).toMatchObject({ state: 'ready', redemptionsAllowed: 4 });
});

it.each([
  ['90m', 'Add 1 hour', '2h30m'],
  ['6d', 'Add 1 day', '7d'],
])('extends the window of %s of a grant that expires soon with "%s" to %s', async (before, button, after) => {
  await updateGrant(grant.uid, { expirationWindow: before });
  await goTo(`/grants/${grant.uid}`);
  await page.getByRole('heading', { name: 'What it allows' }).waitFor();
  expect(await extension.count()).toBe(0);
  const { expirationTime = '' } = await showGrant(grant.uid);
  onTestFinished(() => page.clock.setFixedTime(Date.now()));
  await page.clock.setFixedTime(Date.parse(expirationTime) - 20 * 60_000);
  await page.reload();
  await command(`--expiration-window ${after}`).waitFor();
  await keyboard.use(extension.getByRole('button', { name: button, exact: true }), 'Enter');
  await expect.poll(async () => (await showGrant(grant.uid)).expirationWindow).toBe(after);
});

it('extends a used up grant in the list of grants by keyboard, but none that a file declares', async () => {
  const declared = await storedGrant(running.service.store, {
    name: 'declared-and-used-up',
    sourceFile: 'AccessGrant-used-up.yaml',
    redemptionsAllowed: 1,
  });
  await running.addLinks(declared.uid, 1);
  await updateGrant(grant.uid, { redemptionsAllowed: 2 });
  await running.addLinks(grant.uid, 2);
  await goTo('/grants');
  const rowOf = (name: string) =>
    page.locator('tbody tr').filter({ has: page.getByRole('link', { name, exact: true }) });
  const row = rowOf(grant.name);
  await row.getByText('2 of 2').waitFor();
  await expectAccessible(page);
  const addSite = row.getByRole('button', { name: `Add 1 site: ${grant.name}` });
  await keyboard.use(addSite, 'Enter');
  await row.getByText('2 of 3').waitFor();
  expect(await hasFocus(addSite)).toBe(true);
  const declaredRow = rowOf(declared.name);
  await declaredRow.getByText('1 of 1').waitFor();
  expect(await declaredRow.getByRole('button').count()).toBe(0);
});

it('shows that an extension of a grant got no response', async () => {
  await updateGrant(grant.uid, { redemptionsAllowed: 1 });
  await running.addLinks(grant.uid, 1);
  await goTo(`/grants/${grant.uid}`);
  await page.route('**/api/v1/grants/*', (route) =>
    route.request().method() === 'PATCH' ? route.abort() : route.continue(),
  );
  await keyboard.use(extension.getByRole('button', { name: 'Add 1 site', exact: true }), 'Enter');
  await page.getByRole('alert').getByText('No response arrived.').waitFor();
});

it.each([
  ['How many sites can join', '0', 'It must be at least 1.'],
  ['How many sites can join', '9999999', 'Redemptions allowed must be a whole number from 1 to 1000000.'],
  ['How long it can be redeemed', 'soon', 'The expiration window must be a duration such as'],
  ['How long it can be redeemed', '99999d', 'The expiration window must be longer than 0'],
  ['How long it can be redeemed', '1ms', 'has passed already'],
  ['Source addresses', '10.0.0.0/33', 'It has "10.0.0.0/33", which'],
])('shows at the field "%s" of a changed grant why "%s" is refused', async (label, value, reason) => {
  running.service.clock.advance(1_000);
  await openDialog();
  await dialog.getByText('Rules for sites').press('Enter');
  await field(label).fill(value);
  await page.keyboard.press('Enter');
  await dialog.locator('.pf-m-error').getByText(reason).waitFor();
  expect(await field(label).getAttribute('aria-invalid')).toBe('true');
  expect((await showGrant(grant.uid)).redemptionsAllowed).toBe(20_000);
});

it('shows the file that declares a grant in place of the button Change', async () => {
  const declared = await storedGrant(running.service.store, { sourceFile: 'AccessGrant-west.yaml' });
  await goTo(`/grants/${declared.uid}`);
  await page.getByText('The file AccessGrant-west.yaml declares this grant').waitFor();
  expect(await page.getByRole('button', { name: 'Change', exact: true }).count()).toBe(0);
  await expectAccessible(page);
});
