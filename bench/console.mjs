import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { register } from 'node:module';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { fillStore } from './filled-store.mjs';
import { PROGRAM, plainEnvironment, temporaryDirectory } from './servers.mjs';
import { median } from './statistics.mjs';

register('./typescript-hooks.mjs', import.meta.url);

const LINKS = 10_000;
const LOADS = 7;
// Parts of subjects. At least one row of each list does not match the next filter, so that the bench notices when the next list
// is painted. The longest filters match a single link, so that the service has to read all links.
const FILTERS = ['77', 'site-4242', '12', 'site-555', '90', 'site-3333', '48', 'site-1', '66', 'site-2718'];

/** Starts `linkgrant console` on a data directory. `nextUrl` returns a new one-time URL. */
async function startConsole(directory) {
  const words = ['console', '--no-open', '--data-dir', directory];
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: plainEnvironment(),
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async nextUrl() {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error('console ended');
        const url = /http:\/\/\S+/.exec(value)?.[0];
        if (url === undefined) continue;
        child.stdin.write('\n');
        return url;
      }
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Resolves with the milliseconds from the start of the navigation until an element that matches `selector` is painted. */
const painted = (selector) => `new Promise((resolve) => {
  const check = () => {
    const isShown = document.querySelector('${selector}') !== null;
    // The task after a frame runs when that frame has been painted.
    requestAnimationFrame(isShown ? () => setTimeout(() => resolve(performance.now())) : check);
  };
  check();
})`;

/** The size of the files of the first load, each compressed, and the milliseconds until the overview is painted. */
async function load(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  try {
    const page = await context.newPage();
    const responses = [];
    page.on('response', (response) => {
      if (new URL(response.url()).pathname.startsWith('/console/')) responses.push(response);
    });
    await page.goto(url, { waitUntil: 'commit' });
    const ms = await page.evaluate(painted('main a.figure'));
    const bodies = await Promise.all(
      responses.filter((response) => response.ok()).map((response) => response.body()),
    );
    return { ms, bytes: bodies.reduce((sum, body) => sum + gzipSync(body).length, 0) };
  } finally {
    await context.close();
  }
}

/** The milliseconds from opening a page until `selector` is painted, several times. */
async function openPage(page, path, selector) {
  const times = [];
  for (let number = 0; number < LOADS; number++) {
    await page.goto(new URL(path, page.url()).href, { waitUntil: 'commit' });
    times.push(await page.evaluate(painted(selector)));
  }
  return times;
}

/** Types `text` into the search; resolves with the milliseconds until the list of matching links is painted. */
const filterTo = (text) => `new Promise((resolve) => {
  const field = document.querySelector('.filters input');
  const start = performance.now();
  field.value = ${JSON.stringify(text)};
  field.dispatchEvent(new Event('input', { bubbles: true }));
  const check = () => {
    const rows = [...document.querySelectorAll('tbody tr')];
    const isFiltered = rows.length > 0 && rows.every((row) => row.querySelector('th').textContent.includes(field.value));
    requestAnimationFrame(isFiltered ? () => setTimeout(() => resolve(performance.now() - start)) : check);
  };
  check();
})`;

/** Presses the button `name`; resolves with the milliseconds until `text` is painted in the elements that `selector` selects. */
const press = (name, selector, text) => `new Promise((resolve) => {
  const button = [...document.querySelectorAll('main button')].find(({ textContent }) => textContent.trim() === '${name}');
  const start = performance.now();
  button.click();
  const check = () => {
    const isPainted = document.querySelector('${selector}')?.textContent === '${text}';
    requestAnimationFrame(isPainted ? () => setTimeout(() => resolve(performance.now() - start)) : check);
  };
  check();
})`;

/** Filters, sorts and pages through the list of links. */
async function list(page) {
  // A page may be read again when the stream of changes opens. Therefore equal requests count once.
  const requests = new Set();
  page.on('request', (request) => requests.add(request.url()));
  await page.goto(new URL('/console/links', page.url()).href);
  await page.waitForSelector('tbody tr');
  const times = [];
  let mostPages = 0;
  for (const text of FILTERS) {
    times.push(await page.evaluate(filterTo(text)));
    const pages = [...requests].filter(
      (request) => request.includes('/api/v1/links?') && new URL(request).searchParams.get('search') === text,
    );
    mostPages = Math.max(mostPages, pages.length);
  }
  // The console shows an order that it has read before at once, so each press is the first one.
  const sorting = [];
  for (const state of ['', 'valid', 'valid&namespace=default']) {
    await page.goto(new URL(`/console/links?state=${state}`, page.url()).href);
    await page.waitForSelector('tbody tr');
    for (const first of ['site-0', `site-${LINKS - 1}`])
      sorting.push(await page.evaluate(press('Subject', 'tbody th', first)));
  }
  const paging = [];
  for (let before = 50; before <= 50 * LOADS; before += 50)
    paging.push(
      await page.evaluate(
        press('Next page', '.pager span', `${before + 1}–${before + 50} of ${LINKS.toLocaleString('en')}`),
      ),
    );
  return {
    filterMs: median(times),
    longestFilterMs: Math.max(...times),
    mostPages,
    sortMs: median(sorting),
    nextPageMs: median(paging),
  };
}

/** Measures the first load of the console in Chromium, and with 10,000 links their list and the map. */
export async function measureConsole() {
  const { startBrowser } = await import('../test/console/harness/browser.ts');
  const { directory, remove } = temporaryDirectory();
  let running;
  let browser;
  try {
    await fillStore(directory, { grants: 1, redemptionsEach: LINKS });
    running = await startConsole(directory);
    browser = await startBrowser();
    const loads = [];
    for (let number = 0; number < LOADS; number++) loads.push(await load(browser, await running.nextUrl()));
    const times = loads.map(({ ms }) => ms);
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    await page.goto(await running.nextUrl());
    const opened = await openPage(page, '/console/links', 'tbody tr');
    const maps = await openPage(page, '/console/map', 'main section');
    return {
      links: LINKS,
      firstLoadKiB: loads[0].bytes / 1024,
      firstLoadMs: median(times),
      longestLoadMs: Math.max(...times),
      linksMs: median(opened),
      longestLinksMs: Math.max(...opened),
      ...(await list(page)),
      mapMs: median(maps),
      longestMapMs: Math.max(...maps),
    };
  } finally {
    await browser?.close();
    await running?.stop();
    remove();
  }
}
