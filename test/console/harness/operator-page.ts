import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type ConsolePage, openConsole, startBrowser } from './browser.js';
import { type ConsoleService, startConsoleService } from './console-service.js';

/** The console of an operator, and the grant of one test. */
export interface OperatorTest {
  readonly running: ConsoleService;
  readonly opened: ConsolePage;
  readonly page: Page;
  readonly grantName: string;
  readonly grantUid: string;
}

/** Opens the console of an operator for the tests of a file, and calls `begin` with it and a new grant before each. */
export function withOperatorPage(begin: (test: OperatorTest) => void) {
  let browser: Browser;
  let running: ConsoleService;
  let opened: ConsolePage;
  let grantUid: string;
  let grants = 0;
  beforeAll(async () => {
    browser = await startBrowser();
    running = await startConsoleService();
    opened = await openConsole(browser, running.console.issueUrl());
  });
  beforeEach(async () => {
    grants += 1;
    const grantName = `grant-${grants}`;
    grantUid = await running.createGrant({ name: grantName });
    begin({ running, opened, page: opened.page, grantName, grantUid });
  });
  afterAll(async () => {
    await browser?.close();
    await running?.close();
  });
  const goTo = (path: string) => opened.page.goto(`${running.console.origin}/console${path}`);
  return {
    goTo,
    /** Adds a link to the grant of the test, opens it, and returns its id. */
    async openLink(): Promise<string> {
      await running.addLinks(grantUid, 1);
      const { items } = await running.administration.listRedemptions({ limit: 1, grantUid });
      const id = items[0]?.id ?? '';
      await goTo(`/links/${id}`);
      return id;
    },
  };
}
