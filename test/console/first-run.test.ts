import { expect, it, onTestFinished } from 'vitest';
import { formatEndpoint } from '../../src/domain/host-port-text.js';
import { publishService, readService } from '../../src/redemption/accepting/service-description.js';
import { ENDPOINTS } from '../support/service.js';
import { axeViolations } from './harness/browser.js';
import { openOperatorPage } from './harness/operator-page.js';

const { running, page, goTo } = await openOperatorPage();
const main = page.locator('main');
const steps = page.getByRole('heading', { name: 'Link the first site in three steps' });
const figures = page.locator('a.figure');
const value = (name: string) => figures.filter({ hasText: name }).locator('.figure-value').textContent();

it('shows only the three steps and the state of the service before the first grant', async () => {
  await goTo('/');
  await steps.waitFor();
  await main.getByText('linkgrant link request').waitFor();
  await main.getByText(ENDPOINTS.map(formatEndpoint).join(', ')).waitFor();
  const headings = await main.getByRole('heading').allInnerTexts();
  expect(headings).toEqual(['Overview', 'Link the first site in three steps', 'Service']);
  expect(await main.getByRole('definition').first().textContent()).toBe('ready');
  expect(await figures.count()).toBe(0);
  expect(await axeViolations(page)).toEqual([]);
});

it('shows the endpoints of a service that was started again with others', async () => {
  const { store } = running.service;
  const description = await readService(store);
  if (description === undefined) throw new Error('no service has started');
  await goTo('/');
  await main.getByText(ENDPOINTS.map(formatEndpoint).join(', ')).waitFor();
  const host = 'other.example.com';
  await publishService(store, { ...description, endpoints: ENDPOINTS.map((each) => ({ ...each, host })) });
  onTestFinished(() => publishService(store, description));
  await main.getByText(host).first().waitFor();
});

it('shows the steps without tiles until the first link, and then tiles', async () => {
  const grantUid = await running.createGrant({ name: 'to-west', redemptionsAllowed: 1 });
  await page.getByRole('link', { name: 'Open a grant to issue a token' }).waitFor();
  expect(await figures.count()).toBe(0);
  expect(await axeViolations(page)).toEqual([]);
  await running.addLinks(grantUid, 1);
  await figures.first().waitFor();
  expect(await steps.count()).toBe(0);
  await goTo('/grants');
  await page.getByRole('row', { name: 'to-west' }).getByText('used up').waitFor();
  await page.getByRole('row', { name: 'to-west' }).getByText('1 of 1').waitFor();
});

it('counts refused requests, and not the reasons of refusals, and opens them in the ledger', async () => {
  const { store, clock } = running.service;
  const grantUid = await running.createGrant({ name: 'to-east' });
  await running.addLinks(grantUid, 1);
  const attempt = { grantUid, name: 'to-east', subject: 'east', peer: '192.0.2.1' };
  for (let count = 0; count < 3; count += 1)
    await store.recordRefusal({ ...attempt, code: 'policy_subject' }, clock.read());
  await goTo('/');
  await expect.poll(() => value('Refused requests')).toBe('3');
  await page.getByText('The service, grants and valid links have no problem').waitFor();
  await page.getByRole('link', { name: 'Refused requests' }).click();
  await page.getByRole('row').getByText('The subject is not allowed (3 times)').waitFor();
  expect(await page.locator('tbody tr').count()).toBe(1);
});

it('opens the list of all links of an item about several', async () => {
  const grantUid = await running.createGrant({ name: 'to-many' });
  // Every tenth of them expires soon.
  await running.addLinks(grantUid, 70);
  await goTo('/');
  const item = page
    .getByRole('listitem')
    .filter({ hasText: 'Links that are expiring, not renewed: 2 more.' });
  await item.getByRole('link', { name: 'Open the list' }).press('Enter');
  await page.getByRole('heading', { name: 'Links', exact: true }).waitFor();
  expect(new URL(page.url()).searchParams.get('state')).toBe('expiring');
});
