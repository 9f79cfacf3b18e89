import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Redemption } from '../../src/domain/redemption.js';
import { DAY } from '../support/service.js';
import { sampleRedemption } from '../support/store-samples.js';
import { expectAccessible } from './harness/browser.js';
import { hasFocus, KeyboardUser } from './harness/keyboard.js';
import { openOperatorPage } from './harness/operator-page.js';

const { running, page, goTo } = await openOperatorPage();
const keyboard = new KeyboardUser(page);
const now = running.service.clock.read();
const group = (name: string) => page.getByRole('region', { name, exact: true });
const site = (name: string) => page.getByRole('link', { name, exact: true });
const groupNames = () => page.getByRole('heading', { level: 2 }).allTextContents();

const sitesOf = (name: string) =>
  group(name)
    .getByRole('listitem')
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.getAttribute('aria-label')));

/** Records a link, and its site as connected if `isConnected`. */
async function addLink(
  grantUid: string,
  subject: string,
  changes: Partial<Redemption> = {},
  isConnected = false,
): Promise<void> {
  const times = { createdAt: now, notAfter: now + 30 * DAY };
  const link = sampleRedemption(grantUid, { subject, ...times, ...changes });
  expect(await running.service.store.recordRedemption(grantUid, link, now)).toBe('recorded');
  const peer = { siteId: subject, siteName: subject, linkName: 'hub', acceptingSite: 'here' };
  if (isConnected) running.connectedPeers.push(peer);
}

const EU = { labels: { region: 'eu', tier: 'gold' } };
const US = { labels: { region: 'us' } };

beforeAll(async () => {
  const branches = await running.createGrant({ name: 'branches' });
  await addLink(branches, 'Berlin', EU, true);
  await addLink(branches, 'paris', EU);
  await addLink(branches, 'boston', US, true);
  await addLink(branches, 'austin', { ...US, createdAt: now - 28 * DAY, notAfter: now + 2 * DAY });
  await addLink(branches, 'lost', { revokedAt: now }, true);
  const partners = await running.createGrant({ name: 'partners' });
  await addLink(partners, 'acme', US, true);
  // A site that joined again: its first link needs no attention.
  await addLink(partners, 'acme', { revokedAt: now });
  running.connectedPeers.push({ siteId: 'x', siteName: 'x', linkName: 'hub', acceptingSite: 'here' });
});

afterEach(() => page.setViewportSize({ width: 1280, height: 860 }));

it('groups the sites by grant, the groups and sites that need attention first', async () => {
  await goTo('/map');
  await site('x: connected without a record').waitFor();
  expect(await groupNames()).toEqual(['branches (5)', 'Without a record (1)', 'partners (2)']);
  expect(await sitesOf('branches (5)')).toEqual([
    'lost: revoked, but connected',
    'austin: expiring, not renewed',
    'Berlin: connected',
    'boston: connected',
    'paris: not connected',
  ]);
  expect(await sitesOf('partners (2)')).toEqual(['acme: connected', 'acme: revoked']);
});

it('groups the sites by a label, and keeps the choice in the URL', async () => {
  await goTo('/map');
  const by = page.getByRole('combobox', { name: 'Group by' });
  await by.waitFor();
  expect(await by.getByRole('option').allTextContents()).toEqual(['Grant', 'Label region', 'Label tier']);
  await by.selectOption('Label region');
  await group('us (3)').waitFor();
  expect((await groupNames()).sort()).toEqual([
    'Without a record (1)',
    'Without region (2)',
    'eu (2)',
    'us (3)',
  ]);
  await page.reload();
  await group('us (3)').waitFor();
  await by.selectOption('Grant');
  await group('branches (5)').waitFor();
});

it('finds a site on the map ignoring case, and shows only what needs attention', async () => {
  await goTo('/map');
  await page.getByRole('textbox', { name: 'Search' }).fill('BER');
  await page.getByRole('status').getByText('1 site', { exact: true }).waitFor();
  expect(await groupNames()).toEqual(['branches (1)']);
  await page.getByRole('textbox', { name: 'Search' }).fill('nowhere');
  await page.getByText('No site matches.').waitFor();
  await page.getByRole('textbox', { name: 'Search' }).fill('');
  await page.getByRole('combobox', { name: 'Show' }).selectOption('What needs attention');
  await page.getByRole('status').getByText('3 sites', { exact: true }).waitFor();
  expect((await groupNames()).sort()).toEqual(['Without a record (1)', 'branches (2)']);
  await site('x: connected without a record').click();
  await page.getByRole('heading', { name: 'Needs attention' }).waitFor();
});

describe.each([
  [1280, 800],
  [390, 844],
])('in a window of %i × %i', (width, height) => {
  it('opens a group, zooms, opens a site and returns by keyboard', async () => {
    await page.setViewportSize({ width, height });
    await goTo('/map');
    await keyboard.use(page.getByRole('link', { name: 'Open the group branches' }), 'Enter');
    await page.getByText('Only the group branches').waitFor();
    await expect.poll(() => hasFocus(page.locator('main'))).toBe(true);
    expect(await groupNames()).toEqual(['branches (5)']);
    const paris = site('paris: not connected');
    const widths: number[] = [];
    const measure = async () => widths.push((await paris.boundingBox())?.width ?? 0);
    await measure();
    const [zoomOut, zoomIn] = ['out', 'in'].map((way) => page.getByRole('button', { name: `Zoom ${way}` }));
    if (!zoomOut || !zoomIn) throw new Error('unreachable');
    await keyboard.use(zoomOut, 'Enter', 'Enter');
    await expect.poll(() => zoomOut.getAttribute('aria-disabled')).toBe('true');
    await measure();
    await expectAccessible(page);
    await keyboard.use(zoomIn, 'Enter', 'Enter', 'Enter');
    await expect.poll(() => zoomIn.getAttribute('aria-disabled')).toBe('true');
    await measure();
    const [middle = 0, smallest = 0, largest = 0] = widths;
    expect([smallest < middle, middle <= largest, largest <= width]).toEqual([true, true, true]);
    await expectAccessible(page);
    await keyboard.use(paris, 'Enter');
    await page.getByRole('heading', { name: 'Link of paris' }).waitFor();
    await page.goBack();
    await keyboard.use(page.getByRole('link', { name: 'Show all groups' }), 'Enter');
    await group('partners (2)').waitFor();
  });
});

it('groups by the label that most sites have if they have the same grant', async () => {
  const { page: other, goTo: goToOther, running: fleet } = await openOperatorPage();
  const uid = await fleet.createGrant({ name: 'fleet' });
  const { store, clock } = fleet.service;
  for (const labels of [EU.labels, US.labels, {}]) {
    const times = { createdAt: clock.read(), notAfter: clock.read() + 30 * DAY };
    await store.recordRedemption(uid, sampleRedemption(uid, { ...times, labels }), clock.read());
  }
  await goToOther('/map');
  await other.getByRole('heading', { name: 'us (1)' }).waitFor();
  await other.getByRole('combobox', { name: 'Group by' }).selectOption('Grant');
  await other.getByRole('heading', { name: 'fleet (3)' }).waitFor();
});

it('shows the sites without a label whose name is that of a member of every object, and the links in such an order', async () => {
  await goTo('/map?by=label:constructor');
  await group('Without constructor (7)').waitFor();
  await goTo('/links?sort=constructor');
  await page.getByRole('heading', { name: 'Links', level: 1 }).waitFor();
});
