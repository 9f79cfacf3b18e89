import { afterEach, beforeEach, expect } from 'vitest';
import { releaseAfterFile } from '../../support/release.js';
import { openConsole, startBrowser } from './browser.js';
import { startConsoleService } from './console-service.js';

/** Starts a service, and opens its console as an operator in a browser of the file. A fault of the page fails the test. */
export async function openOperatorPage() {
  const browser = releaseAfterFile(await startBrowser());
  const running = releaseAfterFile(await startConsoleService());
  const opened = await openConsole(browser, running.console.issueUrl());
  const { page } = opened;
  afterEach(() => expect(opened.faults).toEqual([]));
  return {
    running,
    opened,
    page,
    goTo: (path: string) => page.goto(`${running.console.origin}/console${path}`),
  };
}

/** Opens the console of an operator with a new grant before each test. */
export async function openGrantPage() {
  const { goTo, ...operator } = await openOperatorPage();
  const { running } = operator;
  const grant = { name: '', uid: '' };
  let grants = 0;
  beforeEach(async () => {
    grants += 1;
    grant.name = `grant-${grants}`;
    grant.uid = await running.createGrant({ name: grant.name });
  });
  return {
    ...operator,
    goTo,
    /** The grant of the current test. */
    grant,
    /** Adds a link to the grant, opens its page, and returns its id. */
    async openLink(): Promise<string> {
      await running.addLinks(grant.uid, 1);
      const { items } = await running.administration.listRedemptions({ limit: 1, grantUid: grant.uid });
      const id = items[0]?.id ?? '';
      await goTo(`/links/${id}`);
      return id;
    },
  };
}
