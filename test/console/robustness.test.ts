import type { Browser } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { releaseAfterTest } from '../support/release.js';
import { DAY } from '../support/service.js';
import { sampleRedemption } from '../support/store-samples.js';
import { axeViolations, expectAccessible, openConsole } from './harness/browser.js';
import { openOperatorPage } from './harness/operator-page.js';

const HOSTILE = [
  '<script>alert(1)</script><img src=x onerror=alert(2)>',
  '\u202eevil\u202c and \u200bzero\u200dwidth\ufeff',
  'שלום עולם',
  'x'.repeat(253),
];

const { running, opened, page, goTo } = await openOperatorPage();
const { store, clock } = running.service;
const grantUid = await running.createGrant({ name: 'hostile' });
for (const subject of HOSTILE) {
  const now = clock.read();
  const times = { createdAt: now - 9 * DAY, notAfter: now + DAY };
  await store.recordRedemption(grantUid, sampleRedemption(grantUid, { subject, ...times }), now);
}
const actor = { actor: `oidc:${'x'.repeat(512)}`, actorName: HOSTILE[0] ?? '' };
await store.actingAs(actor).updateGrant(grantUid, { redemptionsAllowed: 99 });

it('shows a long actor with a hostile name as text', async () => {
  await goTo('/ledger');
  await page.getByText(`${actor.actor} (${actor.actorName})`).waitFor({ state: 'attached' });
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
});

it.each(['/links', '/map', '/ledger', '/'])('shows hostile subjects as text on %s', async (path) => {
  await goTo(path);
  await page.getByText('<script>alert(1)</script>').first().waitFor({ state: 'attached' });
  expect(await page.locator('main script, main img').count()).toBe(0);
  // Characters that reorder or hide text are written out.
  expect(await page.locator('main').textContent()).not.toMatch(/[\u200b-\u200f\u202a-\u202e\ufeff]/);
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  expect(await axeViolations(page)).toEqual([]);
});

it('writes out invisible characters in the reason of a grant and in the problem of the observed connections', async () => {
  const text = 'not \u202eready\u200b';
  const grant = { ...(await running.administration.showGrant(grantUid)), reason: text };
  const overview = { ...(await running.administration.readOverview()), connections: { problem: text } };
  await page.route(`**/api/v1/grants/${grantUid}`, (route) => route.fulfill({ json: grant }));
  await page.route('**/api/v1/overview', (route) => route.fulfill({ json: overview }));
  for (const path of [`/grants/${grantUid}`, '/']) {
    await goTo(path);
    await page.getByText(/not \[U\+202E\]ready\[U\+200B\]/i).waitFor();
  }
  await page.unrouteAll();
});

it.each([
  ['this machine has a button that copies it', false, 1],
  ['another machine is only text', true, 0],
])('a command in the remedy of a service on %s', async (_what, isRemote, times) => {
  const finding = { check: 'clock', status: 'error', message: 'wrong', remedy: 'run `touch pwned`' };
  await page.route('**/api/v1/health', (route) => route.fulfill({ json: { findings: [finding] } }));
  await goTo('/');
  const session = await page.evaluate<object>("fetch('/console/session').then((answer) => answer.json())");
  const changed = { ...session, isRemote };
  await page.route('**/console/session*', (route) => route.fulfill({ json: changed }));
  await goTo('/health');
  await page.locator('main p', { hasText: 'touch pwned' }).first().waitFor();
  expect(await page.getByRole('figure', { name: 'Remedy' }).count()).toBe(times);
  await page.unrouteAll();
});

it('opens the page of a link by a click on the map, without loading the document again', async () => {
  await goTo('/map');
  const peer = page.locator('.sites a').first();
  await peer.waitFor();
  await page.evaluate('window.isFirstDocument = true');
  await peer.click();
  await page.getByRole('heading', { name: 'Certificate' }).waitFor();
  expect(await page.evaluate('window.isFirstDocument')).toBe(true);
});

it('renders the rows of a list only when the data change', async () => {
  await goTo('/links');
  await page.locator('tbody tr').first().waitFor();
  // Each rendered row builds the URL of its link.
  await page.evaluate(`window.URLSearchParams = class extends window.URLSearchParams {
    constructor(...values) {
      super(...values);
      window.builtUrls += 1;
    }
  }`);
  const countBuiltUrls = () =>
    page.evaluate(`new Promise((resolve) => {
      window.builtUrls = 0;
      setTimeout(() => resolve(window.builtUrls), 2_500);
    })`);
  await expect.poll(countBuiltUrls).toBe(0);
});

it('opens a link by its URL, and reports a URL without a page or link', async () => {
  await goTo('/links');
  await page.getByRole('link', { name: /^x{253}$/ }).click();
  await page.getByRole('heading', { name: 'Certificate' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Certificate' }).waitFor();
  await goTo('/no/such/page');
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await goTo('/links/00000000-0000-4000-8000-000000000000');
  await page.getByRole('alert').waitFor();
});

it('does not overwrite a text that is typed while the previous filter is applied', async () => {
  await goTo('/links');
  const field = page.getByLabel('Search');
  // Types the next text after the page has written the first one into the URL, and before the next frame.
  await page.evaluate(`{
    const replaceState = history.replaceState.bind(history);
    history.replaceState = (...state) => {
      replaceState(...state);
      delete history.replaceState;
      setTimeout(() => {
        document.activeElement.value = 'xxx*';
        document.activeElement.dispatchEvent(new Event('input', { bubbles: true }));
      });
    };
  }`);
  await field.fill('<script>*');
  await expect.poll(() => new URL(page.url()).searchParams.get('search')).toBe('xxx*');
  expect(await field.inputValue()).toBe('xxx*');
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
  await page.getByRole('link', { name: 'Links' }).first().click();
  await expect.poll(() => field.inputValue()).toBe('');
});

describe('in the console of a team, while the service does not answer', () => {
  const SESSION = '**/console/session*';
  // In the console of a terminal no user can sign out.
  const session = { user: 'ada', role: 'operator', where: 'a service', version: '1', canSignOut: true };
  beforeEach(() => page.route(SESSION, (route) => route.fulfill({ json: session })));
  afterEach(() => page.unroute(SESSION));
  /** Makes the page open the stream of changes again, as it does when its tab becomes visible. */
  const reopenChangeStream = () => page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");

  it('shows the last known data with its age, and recovers', async () => {
    await goTo('/links');
    await page.getByText('<script>').first().waitFor();
    await page.route('**/api/**', (route) => route.abort('connectionrefused'));
    await page.getByLabel('Search').fill('x*');
    await page.getByText(/This is how it was \d+ s ago/).waitFor();
    await page.getByText(/No response from the service for/).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(HOSTILE.length);
    await page.unroute('**/api/**');
    await page.getByText(/This is how it was/).waitFor({ state: 'detached' });
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
  });

  it('shows neither the state of the service nor a success on the Overview', async () => {
    await goTo('/');
    const service = page.locator('main').getByRole('link', { name: 'Service' });
    await service.getByText('ready', { exact: true }).waitFor();
    const overview = { ...(await running.administration.readOverview()), attention: [] };
    await page.route('**/api/v1/overview', (route) => route.fulfill({ json: overview }));
    await goTo('/');
    await page.getByText('Nothing needs attention').waitFor();
    await page.route('**/api/**', (route) => route.abort('connectionrefused'));
    await reopenChangeStream();
    await service.getByText('no response').waitFor();
    expect(await page.getByText('Nothing needs attention').count()).toBe(0);
    expect(await axeViolations(page)).toEqual([]);
    await page.unrouteAll();
  });

  it('runs the checks of Health once, and shows on that page too that the service does not respond', async () => {
    const countChecks = () => opened.requests.filter((url) => url.endsWith('/api/v1/health')).length;
    const earlier = countChecks();
    const noResponse = page.getByText(/No response from the service for/);
    await goTo('/health');
    await page.getByRole('button', { name: 'Check again' }).waitFor();
    await page.route('**/api/**', (route) => route.abort('connectionrefused'));
    await reopenChangeStream();
    await noResponse.waitFor();
    await page.unroute('**/api/**');
    await noResponse.waitFor({ state: 'detached' });
    expect(countChecks() - earlier).toBe(1);
  });
});

/** Opens a URL in a browser profile of the current test. */
async function openElsewhere(url: string) {
  const elsewhere = await openConsole(opened.context.browser() as Browser, url);
  releaseAfterTest({
    async close() {
      await elsewhere.context.close();
      expect(elsewhere.faults).toEqual([]);
    },
  });
  return elsewhere;
}

it('shows how to open the console again after the session has ended', async () => {
  const { page, context } = await openElsewhere(running.console.issueUrl());
  await page.getByRole('heading', { name: 'Needs attention' }).waitFor();
  await context.clearCookies();
  // The console may replace the page before the click.
  await page
    .getByRole('link', { name: 'Ledger' })
    .first()
    .click({ timeout: 5_000 })
    .catch(() => undefined);
  await page.getByText('This session has ended').waitFor();
  expect(await axeViolations(page)).toEqual([]);
});

it('shows an expired or used one-time URL as a page of the console, and says what to do', async () => {
  const [used, expired] = [running.console.issueUrl(), running.console.issueUrl()];
  const { page: other, context } = await openElsewhere(used);
  await other.getByRole('heading', { name: 'Needs attention' }).waitFor();
  await other.goto(used);
  expect(new URL(other.url()).pathname).toBe('/console/');
  await other.getByRole('heading', { name: 'Needs attention' }).waitFor();
  await context.clearCookies();
  const styleOf = () =>
    other.evaluate(`(() => {
      const { fontFamily, color } = getComputedStyle(document.querySelector('h1'));
      const { backgroundColor, borderRadius } = getComputedStyle(document.querySelector('.pf-v6-c-card'));
      return [fontFamily, color, backgroundColor, borderRadius];
    })()`);
  await other.goto(`${running.console.origin}/console/`);
  await other.getByRole('heading', { name: 'This browser has no session' }).waitFor();
  const style = await styleOf();
  clock.advance(60_000);
  for (const [url, title] of [
    [used, 'This URL was used before'],
    [expired, 'This URL has expired'],
  ] as const) {
    await other.setViewportSize({ width: 390, height: 844 });
    await other.goto(url);
    await other.getByRole('heading', { name: title, level: 1 }).waitFor();
    await other.getByText('Press Enter in the terminal where linkgrant console runs').waitFor();
    expect(await other.locator('code').textContent()).toBe('linkgrant console');
    expect(await other.content()).not.toContain('`');
    await expect.poll(styleOf).toEqual(style);
    await expectAccessible(other);
    await other.emulateMedia({ colorScheme: 'light' });
  }
});

it('shows how to open the console in a browser that never had a session', async () => {
  const { page } = await openElsewhere(`${running.console.origin}/console/`);
  await page.getByText('This browser has no session').waitFor();
  expect(await page.getByText('This session has ended').count()).toBe(0);
  await page.getByText('press Enter in the terminal where linkgrant console runs').waitFor();
});
