import { afterEach, describe, expect, it } from 'vitest';
import { axeViolations } from './harness/browser.js';
import { openGrantPage } from './harness/operator-page.js';

const { running, page, goTo, grant, openLink } = await openGrantPage();

// The buttons of a dialog come last.
const press = (name: string) => page.getByRole('button', { name, exact: true }).last().press('Enter');

it('removes a label of a grant, and finds the grant by another label', async () => {
  const label = `team=payments-${grant.name}`;
  await running.administration.updateGrant(grant.uid, {
    labels: { team: `payments-${grant.name}`, region: 'eu' },
  });
  await goTo(`/grants/${grant.uid}`);
  await press('Edit labels and note');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Labels' }).fill(label);
  expect(await axeViolations(page)).toEqual([]);
  await page.keyboard.press('Enter');
  // The page shows the removed label until it has read the grant again.
  await expect.poll(() => page.getByText('region=eu').count()).toBe(0);
  expect((await running.administration.showGrant(grant.uid)).labels).toEqual({
    team: `payments-${grant.name}`,
  });
  await goTo('/grants');
  await page.getByLabel('Labels').fill(label);
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
});

it('saves only the labels that the user has changed, and keeps what another user changes meanwhile', async () => {
  const { updateGrant, showGrant } = running.administration;
  await updateGrant(grant.uid, { labels: { a: '1' }, note: 'first note' });
  await goTo(`/grants/${grant.uid}`);
  await press('Edit labels and note');
  const dialog = page.getByRole('dialog');
  const field = dialog.getByRole('textbox', { name: 'Labels' });
  await field.waitFor();
  await updateGrant(grant.uid, { labels: { a: '2', b: '3' }, note: 'second note' });
  await page.getByText('second note').waitFor();
  await field.fill('a=1, c=4');
  await page.getByText(`linkgrant grant update ${grant.name} --namespace default --label c=4`).waitFor();
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  const { labels, note } = await showGrant(grant.uid);
  expect([labels, note]).toEqual([{ a: '2', b: '3', c: '4' }, 'second note']);
});

it('shows the tokens of a grant page by page', async () => {
  await Promise.all(
    Array.from({ length: 60 }, () => running.administration.issueToken({ grantUid: grant.uid })),
  );
  await goTo(`/grants/${grant.uid}`);
  const tokens = page.getByRole('table', { name: 'Tokens of this grant' }).locator('tbody tr');
  await expect.poll(() => tokens.count()).toBe(50);
  await press('Next page');
  await expect.poll(() => tokens.count()).toBe(10);
  await page.reload();
  await expect.poll(() => tokens.count()).toBe(10);
  expect(await axeViolations(page)).toEqual([]);
  await press('First page');
  await expect.poll(() => tokens.count()).toBe(50);
});

it('shows a listing command with the filters of the page', async () => {
  await goTo('/grants?name=a&label=team%3Dpayments&state=ready');
  await page.getByText('linkgrant grant list -A --name a -l team=payments --state ready').waitFor();
  await goTo('/links?namespace=west&search=east&sort=notAfter&state=expiring&notRenewing=true');
  const words =
    'npx linkgrant redemption list --namespace west --search east --state expiring --overdue --sort-by certificate-expires';
  await page.getByText(words, { exact: true }).waitFor();
});

it('deletes the grants that have ended, and no other', async () => {
  await running.administration.revokeGrant(grant.uid, false);
  await goTo('/grants');
  await press('Delete ended grants');
  await page.getByRole('dialog').getByText(grant.name, { exact: true }).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  // A change makes the dialog read its list again. The button works although that read has not ended.
  const listing = '**/api/v1/grants?*state=expired*';
  await page.route(listing, () => {});
  const readingAgain = page.waitForRequest(listing);
  const other = await running.createGrant({ name: 'still-ready' });
  await readingAgain;
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Delete \d+ grant/ })
    .press('Enter');
  await page
    .getByRole('dialog')
    .getByText(/grants? deleted/)
    .waitFor();
  await page.unroute(listing);
  await expect(running.administration.showGrant(grant.uid)).rejects.toThrow();
  expect((await running.administration.showGrant(other)).state).toBe('ready');
});

it('filters the ledger from the start of a day in the time zone that the user selected', async () => {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Emulation.setTimezoneOverride', { timezoneId: 'Asia/Tokyo' });
  try {
    await goTo('/ledger?since=2031-03-04');
    await page.getByText('events of grants, tokens and links, newest first').waitFor();
    const command = 'linkgrant ledger list --since';
    await page.getByText(`${command} 2031-03-03T15:00:00Z`).waitFor();
    await page.getByLabel('Clock').selectOption('utc');
    await page.getByText(`${command} 2031-03-04T00:00:00Z`).waitFor();
    await page.getByLabel('Clock').selectOption('local');
  } finally {
    await devTools.detach();
  }
});

describe('the commands beside pages and dialogs', () => {
  const SESSION = '**/console/session*';
  afterEach(() => page.unroute(SESSION));

  /** Opens pages with a session that has these members too. */
  async function useSessionWith(members: object): Promise<void> {
    const session = { user: 'ada', role: 'operator', where: 'a service', version: '1', canSignOut: false };
    await page.route(SESSION, (route) => route.fulfill({ json: { ...session, ...members } }));
  }

  it('have no flags for a remote service if they need the host of the service', async () => {
    await useSessionWith({ commandFlags: ' --server hub', isRemote: true });
    const command = (words: string) => page.getByText(`linkgrant ${words}`, { exact: true });
    await goTo('/issuers');
    await command('issuer list').waitFor();
    await goTo('/ledger');
    await command('ledger list --server hub').waitFor();
    await command('ledger verify').waitFor();
    const id = await openLink();
    await press('Revoke or cut off');
    await command(`redemption revoke ${id} --server hub`).waitFor();
    await page.getByLabel('Cut off:').press('Space');
    await command(`redemption revoke ${id} --cut`).waitFor();
  });

  it('include none that is refused in a cluster', async () => {
    await useSessionWith({ commandFlags: ' --platform kubernetes', isCluster: true });
    await goTo('/issuers');
    await page.getByText('The CA that signs is valid').first().waitFor();
    expect(await page.getByText('issuer list').count()).toBe(0);
    await goTo('/ledger');
    await page.getByText('ledger list --platform kubernetes').waitFor();
    expect(await page.getByText('ledger verify').count()).toBe(0);
    await openLink();
    await press('Revoke');
    await page.getByText('docs/how-to/revoke-links.md').waitFor();
    expect(await page.getByLabel('Cut off').count()).toBe(0);
    expect(await axeViolations(page)).toEqual([]);
  });
});

it('moves the focus to the content with the skip link, which the first Tab reaches', async () => {
  await goTo('/links');
  await page.getByRole('heading', { name: 'Links' }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').textContent()).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('content');
});
