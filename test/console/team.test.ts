import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { storeAdministration } from '../../src/compose/administration-dependencies.js';
import { CONSOLE_CLIENT, startOidcIssuer } from '../admin/oidc-issuer.js';
import { makeIssuerKey } from '../support/admin-api.js';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import { DAY, MINUTE, startTestService } from '../support/service.js';
import { sampleRedemption } from '../support/store-samples.js';
import { axeViolations, type ConsolePage, openConsole, startBrowser } from './harness/browser.js';
import { KeyboardUser } from './harness/keyboard.js';

const { origin } = CONSOLE_CLIENT;
const SESSION_MS = 5 * MINUTE;
// The test that lists the buttons loads two dozen pages.
const ALL_SCREENS_MS = 180_000;
// Buttons that write nothing.
const READ_BUTTONS =
  /^(Copy: .*|Certificate|Check again|Checking …|Download as CSV|Expires|First page|Go to the grants|Grant|Menu|Next page|No new entries|\d+ new entr(y|ies)|Previous page|Renewals|Sign out|Since|Subject|Zoom in|Zoom out)\u00a0?$/;

const provider = releaseAfterFile(await startOidcIssuer(await makeIssuerKey('one')));
const consoleSecretFile = join(directoryForFile(), 'secret');
writeFileSync(consoleSecretFile, `${CONSOLE_CLIENT.secret}\n`);
const service = releaseAfterFile(
  await startTestService({
    ...{ adminListen: '127.0.0.1:0', adminIssuer: provider.issuer, adminAudience: 'linkgrant' },
    ...{ console: origin, consoleClient: CONSOLE_CLIENT.id, consoleSecretFile, consoleSession: '5m' },
  }),
);
const adminPort = service.running.adminListening?.port;
// Chromium resolves no other host: the pages of the provider would load a font from one.
const rules = `MAP ${new URL(origin).host} 127.0.0.1:${adminPort}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`;
const browser = releaseAfterFile(await startBrowser(`--host-resolver-rules=${rules}`));
let opened: ConsolePage;
let page: Page;
let grantUid: string;
let linkId: string;

beforeEach(async () => {
  opened = await openConsole(browser, `${origin}/console/`, provider.issuer);
  page = opened.page;
});
afterEach(async () => {
  await opened.context.close();
  expect(opened.faults).toEqual([]);
});

/** Creates a grant with a token. */
async function createGrant(): Promise<void> {
  const { store, directory: dataDir, clock } = service;
  const administration = storeAdministration({
    store,
    actor: { actor: 'local:ada' },
    dataDir,
    clock: clock.read,
  });
  const grant = { namespace: 'default', name: 'to-west', redemptionsAllowed: 9, expirationWindow: '7d' };
  ({ uid: grantUid } = await administration.createGrant(grant));
  await administration.issueToken({ grantUid });
}

/** Records a link of the grant, and returns its id. */
async function addLink(subject: string): Promise<string> {
  const { store, clock } = service;
  const redemption = sampleRedemption(grantUid, { subject, notAfter: clock.read() + 9 * DAY });
  await store.recordRedemption(grantUid, redemption, clock.read());
  return redemption.id;
}

/** Starts a sign-in and answers the forms of the provider. */
async function answerForms(user: string): Promise<void> {
  await page.getByRole('link', { name: /^Sign in/ }).press('Enter');
  await page.getByPlaceholder('Enter any login').fill(user);
  await page.getByPlaceholder('and password').fill('x');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Continue' }).press('Enter');
}

async function signInAs(user: string): Promise<void> {
  await answerForms(user);
  await page.getByText(`${user}@example.com`).waitFor();
}

/** The names of the buttons of a page, and of the links that look like one. */
async function buttonsOf(path: string, shows: string): Promise<string[]> {
  await page.goto(`${origin}/console${path}`);
  await page.locator('main').getByText(shows).first().waitFor({ state: 'attached' });
  const buttons = page.locator('button, main a.pf-v6-c-button');
  return buttons.evaluateAll((all) =>
    all.map((button) => button.getAttribute('aria-label') ?? button.textContent),
  );
}

/** The names of the buttons of all screens and dialogs that write something. */
async function writeButtons(isEmpty: boolean): Promise<string[]> {
  const screens: readonly (readonly [path: string, shows: string])[] = isEmpty
    ? [
        ['/', 'Link the first site'],
        ['/grants', 'There is no grant yet'],
      ]
    : [
        ['/', 'Needs attention'],
        ['/grants', 'to-west'],
        ['/grants?create=grant', 'to-west'],
        [`/grants/${grantUid}`, 'Tokens of this grant'],
        [`/grants/${grantUid}?issue=token`, 'Tokens of this grant'],
        ['/links', 'east'],
        [`/links/${linkId}`, 'Entries in the ledger'],
        ['/map', 'east'],
        ['/ledger', 'Setting changed: service'],
        ['/health', 'listener'],
      ];
  const found: string[] = [];
  for (const [path, shows] of screens) found.push(...(await buttonsOf(path, shows)));
  return [...new Set(found)].filter((name) => !READ_BUTTONS.test(name)).sort();
}

it(
  'shows the buttons that write something to an operator, and none of them to a viewer',
  async () => {
    const operator = opened;
    await signInAs('ada');
    expect(await writeButtons(true)).toEqual([
      'Create a grant',
      'Create the first grant',
      'Delete ended grants',
    ]);
    const viewer = await openConsole(browser, `${origin}/console/`, provider.issuer);
    page = viewer.page;
    await signInAs('vera');
    await page.getByText('(viewer)').waitFor();
    expect(await writeButtons(true)).toEqual([]);
    await createGrant();
    linkId = await addLink('east');
    expect(await writeButtons(false)).toEqual([]);
    expect(await buttonsOf('/ledger', 'Setting changed: service')).toContain('Download as CSV');
    page = operator.page;
    expect(await writeButtons(false)).toEqual(
      expect.arrayContaining([
        ...[
          'Change',
          'Create a grant',
          'Delete ended grants',
          'Edit labels and note',
          'Issue a token',
          'Revoke',
        ],
        ...['New token for this link', 'Revoke or cut off', 'Verify the ledger'],
        expect.stringMatching(/^Revoke token /),
      ]),
    );
    expect(viewer.faults).toEqual([]);
    await viewer.context.close();
  },
  ALL_SCREENS_MS,
);

it('reports that the session has ended, and returns to the same page after a sign-in', async () => {
  await signInAs('ada');
  await page.goto(`${origin}/console/links?subject=ea*`);
  await page.getByRole('link', { name: 'east', exact: true }).waitFor();
  service.clock.advance(SESSION_MS);
  // The change makes the page read again.
  await addLink('eastern');
  await page.getByText('Your session has ended').waitFor();
  expect(await axeViolations(page)).toEqual([]);
  // The session at the provider continues, so that it shows no form.
  await new KeyboardUser(page).use(page.getByRole('link', { name: 'Sign in' }), 'Enter');
  await page.getByRole('link', { name: 'eastern' }).waitFor();
  expect(page.url()).toBe(`${origin}/console/links?subject=ea*`);
});

it('signs out by keyboard, and shows nothing of the console to the next user of the browser', async () => {
  await signInAs('ada');
  await page.goto(`${origin}/console/links`);
  await page.getByRole('link', { name: 'east', exact: true }).waitFor();
  await new KeyboardUser(page).use(page.getByRole('button', { name: 'Sign out' }), 'Enter');
  await page.getByText('You are not signed in').waitFor();
  await page.goBack();
  await page.getByRole('link', { name: 'Sign in' }).waitFor();
  expect(await page.content()).not.toContain('east');
  expect(await page.evaluate("fetch('/api/v1/links').then((answer) => answer.status)")).toBe(401);
});

it('starts no session for a user without a role, and shows the reason', async () => {
  await answerForms('nora');
  await page.getByText('This account has no role for linkgrant').waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await page.goto(`${origin}/console/`);
  await page.getByText('You are not signed in').waitFor();
});
