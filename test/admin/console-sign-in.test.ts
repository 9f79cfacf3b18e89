import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/admin/metrics.js';
import { type RunningAdmin, startAdmin } from '../../src/compose/admin-listener.js';
import { openCodeKeys } from '../../src/compose/open-code-keys.js';
import { type Flags, loadConfiguration } from '../../src/config/config.js';
import { dropOldCodeKeys } from '../../src/redemption/accepting/rotate-code-keys.js';
import { makeIssuerKey, signBearer } from '../support/admin-api.js';
import { directoryForFile, releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { makeIdentity } from '../support/server-identity.js';
import { listenLocally } from '../support/servers/local-server.js';
import { HOUR, MINUTE, startTestService } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';
import { until } from '../support/until.js';
import { ConsoleBrowser } from './console-browser.js';
import { CONSOLE_CLIENT, type OidcIssuer, startOidcIssuer } from './oidc-issuer.js';

const { origin } = CONSOLE_CLIENT;
const PAGES = new Map([['index.html', Buffer.from('<!doctype html><title>linkgrant</title>\n')]]);

const identity = await makeIdentity({ hosts: [new URL(origin).hostname] });
const service = releaseAfterFile(await startTestService());
const directory = directoryForFile();
writeFileSync(join(directory, 'secret'), `${CONSOLE_CLIENT.secret}\n`);

describe('the console of a team', () => {
  let provider: OidcIssuer;
  let admins: RunningAdmin[];
  let lines: string[];
  let metrics: ReturnType<typeof createMetrics>;
  let clock: TestClock;
  let browser: ConsoleBrowser;

  beforeEach(async () => {
    provider = await startOidcIssuer(await makeIssuerKey('one'));
    admins = [];
    lines = [];
    metrics = createMetrics();
    clock = new TestClock();
    browser = new ConsoleBrowser(await serve(), identity.ca);
  });
  afterEach(async () => {
    await Promise.all(admins.map((admin) => admin.close(0)));
    await provider.stop();
  });

  /** Starts a replica of the service with a console, and returns its port. */
  const serve = async (flags: Flags = {}) => {
    const { settings } = loadConfiguration(
      {
        ...{ dataDir: service.directory, adminListen: '127.0.0.1:0', adminAudience: 'linkgrant' },
        ...{ adminIssuer: provider.issuer, console: origin, consoleClient: CONSOLE_CLIENT.id },
        ...{ consoleSecretFile: join(directory, 'secret'), ...flags },
      },
      {},
    );
    const admin = await startAdmin(settings, {
      ...{ store: service.store, credentials: identity, metrics, clock: clock.read },
      logger: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
      ...{ consoleFiles: PAGES, checkReadiness: async () => [], connections: undefined },
    });
    if (!admin) throw new Error('the admin API is off');
    admins.push(admin);
    return admin.listening.port;
  };
  const session = async () => JSON.parse((await browser.send('/console/session')).body) as object;
  const create = (headers = {}) =>
    browser.send('/api/v1/grants', {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ name: `grant-${lines.length}-${clock.read()}` }),
    });

  /** Starts a sign-in of a replica whose provider handles its connections by `respond`. Returns the status. */
  const signInAt = async (respond: (socket: Socket) => void) => {
    const { port } = releaseAfterTest(await listenLocally(createServer(respond)));
    const replica = new ConsoleBrowser(await serve({ adminIssuer: `http://127.0.0.1:${port}` }), identity.ca);
    return (await replica.send('/console/sign-in')).status;
  };

  it('signs an operator in, who can read and write, and returns to the page that was requested', async () => {
    const { signIn } = JSON.parse((await browser.send('/console/session?to=/console/links/4d1c')).body);
    expect(signIn).toBe('/console/sign-in?to=%2Fconsole%2Flinks%2F4d1c');
    const page = await browser.signIn('ada', signIn);
    expect([page.status, page.url]).toEqual([200, `${origin}/console/links/4d1c`]);
    expect(await session()).toEqual({
      user: 'ada@example.com',
      role: 'operator',
      where: 'service grants.example.com:9443',
      version: expect.stringMatching(/^\d/),
      canSignOut: true,
    });
    expect((await browser.send('/api/v1/grants')).status).toBe(200);
    clock.advance(1);
    const created = await create();
    expect(created.status).toBe(201);
    const { items } = await service.store.listLedger({ limit: 10, grantUid: JSON.parse(created.body).uid });
    const actor = { actor: 'oidc:ada', actorName: 'ada@example.com' };
    expect(items).toEqual([expect.objectContaining({ detail: expect.objectContaining(actor) })]);
    const signedIn = lines.map((line) => JSON.parse(line)).find(({ event }) => event === 'console_sign_in');
    expect(signedIn).toMatchObject({ caller: 'ada', role: 'operator', peer: '127.0.0.1' });
  });

  it('discovers the provider once for sign-ins and bearer tokens', async () => {
    expect((await browser.signIn('ada')).status).toBe(200);
    const bearer = await signBearer(await makeIssuerKey('guessed'), clock.read());
    const headers = { authorization: `Bearer ${bearer}` };
    expect((await browser.send('/api/v1/grants', { headers })).status).toBe(401);
    expect((await browser.signIn('vera')).status).toBe(200);
    expect([provider.metadataRequests, provider.keyRequests]).toEqual([1, 1]);
  });

  it('counts console requests by route, and does not log those without a session or token', async () => {
    const paths = ['/console/session', '/console/links/4d1c', '/console/assets/none.js', '/', '/console'];
    for (const path of paths) await browser.send(path);
    const counted = [
      ['/console/session', 401],
      ['/console/', 200],
      ['/console/', 404],
      ['/console/', 302, 2],
    ].map(
      ([route, status, count = 1]) =>
        `linkgrant_admin_responses_total{method="GET",route="${route}",status="${status}"} ${count}`,
    );
    // A response is counted once it is closed.
    await until(async () => {
      const text = await metrics.registry.metrics();
      return counted.every((line) => text.includes(line));
    });
    expect(lines.join('')).not.toMatch(/"route":"\/console|"status":302/);
  });

  it('signs a viewer in, who can read and is refused a write', async () => {
    await browser.signIn('vera');
    expect(await session()).toMatchObject({ user: 'vera@example.com', role: 'viewer' });
    expect((await browser.send('/api/v1/grants')).status).toBe(200);
    const refused = await create();
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([403, 'role_insufficient']);
  });

  it('starts no session for a user without a role', async () => {
    const page = await browser.signIn('nora');
    expect(page.status).toBe(403);
    expect((await browser.send('/console/session')).status).toBe(401);
  });

  it('stores the session in a cookie that no script, no other site and no other host can use', async () => {
    await browser.signIn('ada');
    expect(browser.received.join('\n')).toMatch(
      /^__Host-linkgrant-session=[^;]+; Max-Age=28800; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/m,
    );
    // The encrypted cookies are random text, which can contain `ada` inside a word.
    expect(browser.received.join('\n')).not.toMatch(/\bada\b|operator/);
  });

  it('sets HSTS for no other host of the domain', async () => {
    for (const path of ['/console/', '/console/session', '/api/v1/grants', '/no/such/route']) {
      const { headers } = await browser.send(path);
      expect(headers['strict-transport-security'], path).toMatch(/^max-age=\d+$/);
    }
  });

  it('writes no code, state or cookie to the log', async () => {
    await browser.signIn('ada');
    const log = lines.join('');
    for (const secret of browser.secrets()) expect(log).not.toContain(secret);
    expect(browser.secrets().length).toBeGreaterThan(3);
  });

  it('ends the session after its time', async () => {
    await browser.signIn('ada');
    clock.advance(8 * HOUR - MINUTE);
    expect((await browser.send('/api/v1/grants')).status).toBe(200);
    clock.advance(MINUTE);
    expect((await browser.send('/api/v1/grants')).status).toBe(401);
    expect(await session()).toEqual({ signIn: '/console/sign-in?to=%2Fconsole%2F' });
  });

  it('ends the session when the user signs out, and refuses a sign-out from another origin', async () => {
    await browser.signIn('ada');
    const signOut = (headers: Record<string, string>) =>
      browser.send('/console/sign-out', { method: 'POST', headers });
    expect((await signOut({})).status).toBe(403);
    expect((await signOut({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await browser.send('/console/session')).status).toBe(200);
    expect((await signOut({ origin })).status).toBe(204);
    expect((await browser.send('/console/session')).status).toBe(401);
  });

  it('lets every replica with the same keys start, continue and complete a sign-in', async () => {
    const [first, second] = [browser.port, await serve()];
    let requests = 0;
    browser.choosePort = () => {
      requests += 1;
      return requests % 2 === 0 ? first : second;
    };
    expect((await browser.signIn('ada')).status).toBe(200);
    for (let request = 0; request < 4; request += 1) {
      expect((await browser.send('/api/v1/grants')).status).toBe(200);
    }
  });

  it('ends all sessions when the keys that sealed them are removed', async () => {
    await browser.signIn('ada');
    const keys = openCodeKeys(service.directory, clock.read);
    await keys.rotate();
    clock.advance(5_000);
    expect((await browser.send('/api/v1/grants')).status).toBe(200);
    await dropOldCodeKeys(keys);
    clock.advance(5_000);
    expect((await browser.send('/api/v1/grants')).status).toBe(401);
  });

  it('accepts neither a changed cookie nor the cookie of a sign-in as a session', async () => {
    await browser.send('/console/sign-in');
    const signIn = browser.cookie('__Host-linkgrant-sign-in') ?? '';
    await browser.signIn('ada');
    const good = browser.cookie('__Host-linkgrant-session') ?? '';
    const [head = '', key = '', iv = '', text = '', tag = ''] = good.split('.');
    const otherHead = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: 'other' })).toString(
      'base64url',
    );
    const plain = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"ada","role":"operator","exp":9999999999}').toString('base64url')}.`;
    for (const cookie of [
      signIn,
      // The last character may have bits that decoders ignore.
      `${head}.${key}.${iv}.${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}.${tag}`,
      `${otherHead}.${key}.${iv}.${text}.${tag}`,
      plain,
      'x'.repeat(4_000),
    ]) {
      const headers = { cookie: `__Host-linkgrant-session=${cookie}` };
      expect((await browser.send('/api/v1/grants', { headers })).status, cookie).toBe(401);
    }
  });

  it('refuses a callback of another browser, with another state, or used before', async () => {
    const callback = await browser.signInUpToCallback('ada');
    const stranger = new ConsoleBrowser(browser.port, identity.ca);
    expect((await stranger.visit(callback)).status).toBe(400);
    const other = new URL(callback);
    other.searchParams.set('state', 'x'.repeat(43));
    const signIn = browser.cookie('__Host-linkgrant-sign-in') ?? '';
    expect((await browser.visit(other.href)).status).toBe(401);
    browser.setCookie('__Host-linkgrant-sign-in', signIn);
    expect((await browser.visit(callback)).status).toBe(303);
    browser.setCookie('__Host-linkgrant-sign-in', signIn);
    expect((await browser.visit(callback)).status).toBe(401);
    expect((await browser.visit(callback)).status).toBe(400);
  });

  it('refuses a callback ten minutes after the start of the sign-in', async () => {
    const callback = await browser.signInUpToCallback('ada');
    clock.advance(10 * MINUTE);
    expect((await browser.visit(callback)).status).toBe(400);
  });

  it('a refusal by the provider gets 401, and its description is no markup in the page', async () => {
    await browser.send('/console/sign-in');
    const state = new URL(browser.location).searchParams.get('state');
    const description = encodeURIComponent('<script>alert(1)</script>');
    const page = await browser.visit(
      `${origin}/console/callback?error=access_denied&error_description=${description}&state=${state}&iss=${encodeURIComponent(provider.issuer)}`,
    );
    expect(page.status).toBe(401);
    expect(page.body).not.toContain('<script');
  });

  it('a refused sign-in offers a new one for the page that was requested', async () => {
    await browser.send('/console/sign-in?to=/console/links');
    const state = new URL(browser.location).searchParams.get('state');
    const page = await browser.visit(
      `${origin}/console/callback?error=access_denied&state=${state}&iss=${encodeURIComponent(provider.issuer)}`,
    );
    expect(page.body).toContain('href="/console/sign-in?to=%2Fconsole%2Flinks"');
  });

  it('refuses an ID token of a key that the issuer does not publish', async () => {
    const callback = await browser.signInUpToCallback('ada');
    const jwks = join(directory, 'jwks.json');
    writeFileSync(jwks, JSON.stringify({ keys: [(await makeIssuerKey('other')).jwk] }));
    const pinned = await serve({ adminJwks: jwks });
    browser.choosePort = () => pinned;
    expect((await browser.visit(callback)).status).toBe(401);
  });

  it('returns to no page outside the console', async () => {
    for (const to of [
      'https://evil.example/',
      '//evil.example/console/',
      '/console/../api/v1',
      '/console/..//evil.example',
      '/x',
    ]) {
      const page = await browser.signIn('ada', `/console/sign-in?to=${encodeURIComponent(to)}`);
      expect(page.url, to).toBe(`${origin}/console/`);
    }
  });

  it('answers with a page while the provider is down, and signs in again when it is back', async () => {
    await browser.signIn('ada');
    await provider.stop();
    clock.advance(11 * MINUTE);
    const page = await browser.send('/console/sign-in?to=/console/links');
    expect([page.status, page.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
    expect(page.body).toContain('href="/console/sign-in?to=%2Fconsole%2Flinks"');
    // A session needs no provider.
    expect((await browser.send('/api/v1/grants')).status).toBe(200);
    await provider.start();
    clock.advance(6_000);
    expect((await browser.signIn('vera')).status).toBe(200);
  });

  it('a sign-in gets 503, and starts no session, if the provider stops during it', async () => {
    const callback = await browser.signInUpToCallback('ada');
    await provider.stop();
    expect((await browser.visit(callback)).status).toBe(503);
    expect((await browser.send('/console/session')).status).toBe(401);
  });

  it('a sign-in gets 503 if the provider accepts connections and does not answer', async () => {
    expect(await signInAt(() => undefined)).toBe(503);
  });

  it('a sign-in gets 503 if the response of the provider is no metadata', async () => {
    for (const answer of [
      '204 No Content',
      '999 X',
      '200 OK\r\ncontent-type: text/html',
      '302 Found\r\nlocation: /x',
    ]) {
      const respond = (socket: Socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(`HTTP/1.1 ${answer}\r\nconnection: close\r\n\r\n`));
      };
      expect(await signInAt(respond), answer).toBe(503);
    }
  });

  it('refuses writes of other origins with the session, and verifies a bearer token despite a session', async () => {
    await browser.signIn('ada');
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: '' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const answer = await create(headers);
      expect([answer.status, JSON.parse(answer.body).code], JSON.stringify(headers)).toEqual([
        403,
        'origin_refused',
      ]);
    }
    const forged = await browser.send('/api/v1/grants', { headers: { authorization: 'Bearer a.b.c' } });
    expect(JSON.parse(forged.body).code).toBe('bearer_invalid');
  });
});
