import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts the program in `LINKGRANT_TEST_CHROMIUM`, or else an installed Chromium, with the flags `args`. */
export function startBrowser(...args: readonly string[]): Promise<Browser> {
  const executablePath = process.env.LINKGRANT_TEST_CHROMIUM ?? PROGRAMS.find((path) => existsSync(path));
  if (executablePath === undefined)
    throw new Error(
      'there is no Chromium: install the Debian package chromium, or set LINKGRANT_TEST_CHROMIUM',
    );
  // The sandbox of Chromium does not start as root.
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
}

/** A page of the console, with its requests and faults. */
export interface ConsolePage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Violations of the Content-Security-Policy, errors of scripts, and requests to other hosts. */
  readonly faults: string[];
  /** Every URL that was requested. */
  readonly requests: string[];
}

/** Opens `url` in a browser profile of its own: a one-time URL, or the console whose users sign in at `provider`. */
export async function openConsole(browser: Browser, url: string, provider?: string): Promise<ConsolePage> {
  const { host } = new URL(url);
  const context = await browser.newContext({
    colorScheme: 'light',
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 860 },
    // The certificate is of the service's own CA.
    ignoreHTTPSErrors: true,
  });
  // A slow machine may need longer than the default of 30 s.
  context.setDefaultTimeout(60_000);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const faults: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    requests.push(request.url());
    // The pages of the provider are not those of the console.
    if (provider && [request.url(), page.url()].some((at) => at.startsWith(provider))) return;
    const { protocol, host: target } = new URL(request.url());
    if (/^(https?|wss?):$/.test(protocol) && target !== host) faults.push(`request to ${target}`);
  });
  await page.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', (event) => {
      console.error('Content Security Policy: ' + event.violatedDirective + ' ' + event.blockedURI);
    });`,
  });
  await page.goto(url);
  return { page, context, faults, requests };
}

/** Returns the violations that axe finds on a page, as lines of rule and element. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** Expects no violation on a page in the light and the dark color scheme. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axeViolations(page), colorScheme).toEqual([]);
  }
}
