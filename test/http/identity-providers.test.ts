import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pino from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { ConfiguredIdentities } from '../../src/compose/identities/configured-identities.js';
import { type Flags, loadConfiguration } from '../../src/config/config.js';
import { identityIssuer, identityToken, writeJwks } from '../support/identity-issuer.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { eventually } from '../support/until.js';
import { outcomeOf, post } from '../support/wire.js';

const ORIGIN = 'https://grants.example.com:9090';
const SUBJECTS = ['*'];

/** A provider on this machine that publishes the keys of `jwk`; `respond` replaces its responses. */
async function startProvider() {
  const requests: string[] = [];
  let issuer = identityIssuer();
  let respond: RequestListener | undefined;
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (respond) return respond(request, response);
    const { iss } = issuer;
    const isMetadata = request.url === '/.well-known/openid-configuration';
    const body = isMetadata ? { issuer: iss, jwks_uri: `${iss}/jwks` } : { keys: [issuer.jwk] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const iss = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  issuer = identityIssuer('ES256', { iss });
  return releaseAfterTest({
    iss,
    requests,
    issuer: () => issuer,
    rotate(kid: string) {
      issuer = identityIssuer('ES256', { iss, kid });
    },
    respondWith(listener: RequestListener | undefined) {
      respond = listener;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
}

const tokenOf = (issuer: ReturnType<typeof identityIssuer>, aud: string, now: number) =>
  identityToken(issuer, { sub: 'ci', aud, now });

function open(flags: Flags, pauseMs = 0) {
  const events: unknown[] = [];
  const logger = pino(
    { level: 'debug' },
    { write: (line: string) => void events.push(JSON.parse(line).event) },
  );
  const { settings } = loadConfiguration({ dataDir: directoryForTest(), ...flags }, {});
  const opening = ConfiguredIdentities.open(settings, {
    clock: Date.now,
    logger,
    origin: () => ORIGIN,
    pauseMs,
  });
  return { opening, events };
}

async function opened(flags: Flags, pauseMs?: number) {
  const { opening, events } = open(flags, pauseMs);
  const providers = await opening;
  if (!providers) throw new Error('no provider is configured');
  return { providers, events };
}

describe('a provider whose keys are fetched', () => {
  it('has its redemptions refused for now until the service has keys, while codes are redeemed', async () => {
    const provider = await startProvider();
    provider.respondWith(() => undefined);
    const identities = { ci: { issuer: provider.iss, subjects: SUBJECTS } };
    const service = releaseAfterTest(await startTestService({ identities }));
    const { grant, code } = await service.storedGrant({
      redemptionsAllowed: 600,
      policy: { identities: ['ci:*'] },
    });
    const redeem = (body: string) => post(service, `/${grant.uid}`, body, { headers: csrHeader() });
    const { origin } = new URL(service.running.description.url);
    const token = (kid = 'key-1') => tokenOf({ ...provider.issuer(), kid }, origin, service.clock.read());
    const refused = await redeem(token());
    expect(outcomeOf(refused)).toEqual([503, 'Internal error\n', undefined]);
    expect(refused.headers['retry-after']).toBe('5');
    for (let from = 0; from < 500; from += 50) {
      const kids = Array.from({ length: 50 }, (_, index) => `unknown-${from + index}`);
      const answers = await Promise.all(kids.map((kid) => redeem(token(kid))));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
      redeemedAnswer(await redeem(code));
    }
    // One attempt each 30 seconds, however many unknown keys were named.
    expect(provider.requests.length).toBeLessThan(10);
    provider.respondWith(undefined);
    await vi.waitFor(async () => redeemedAnswer(await redeem(token())), { timeout: 180_000, interval: 500 });
  });

  it('is queried again for an unknown key, and keeps its keys while it cannot be reached', async () => {
    const provider = await startProvider();
    const { providers, events } = await opened({
      identities: { ci: { issuer: provider.iss, subjects: SUBJECTS } },
    });
    const kids = () => providers.list().map(({ keys }) => keys?.map(({ kid }) => kid));
    await eventually(async () => expect(kids()).toEqual([['key-1']]));
    provider.rotate('key-2');
    expect(kids()).toEqual([['key-1']]);
    providers.reportUnknownKey('https://other.example.com');
    providers.reportUnknownKey(provider.iss);
    await eventually(async () => expect(kids()).toEqual([['key-2']]));
    provider.respondWith((_request, response) => response.writeHead(500).end());
    providers.reportUnknownKey(provider.iss);
    await eventually(async () => expect(events).toContain('identity_keys_failed'));
    expect(kids()).toEqual([['key-2']]);
    provider.respondWith(undefined);
    provider.rotate('key-3');
    await eventually(async () => {
      await providers.refresh();
      expect(kids()).toEqual([['key-3']]);
    });
  });

  it('cannot fill the memory with an endless response', async () => {
    const provider = await startProvider();
    let sent = 0;
    let isClosed = false;
    provider.respondWith((_request, response) => {
      response.once('close', () => {
        isClosed = true;
      });
      const piece = Buffer.alloc(64 * 1024, ' ');
      const write = () => {
        while (!response.destroyed && sent < 2 ** 30) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', write);
        }
      };
      write();
    });
    const { providers, events } = await opened(
      { identities: { ci: { issuer: provider.iss, subjects: SUBJECTS } } },
      600_000,
    );
    await eventually(async () => expect(events).toContain('identity_keys_failed'));
    await eventually(async () => expect(isClosed).toBe(true));
    expect(sent).toBeLessThan(64 * 2 ** 20);
    expect(providers.list().map(({ keys }) => keys)).toEqual([undefined]);
  });

  it('gets no key that another provider has', async () => {
    const provider = await startProvider();
    const keys = writeJwks(join(directoryForTest(), 'jwks.json'), provider.issuer());
    const { providers, events } = await opened({
      identities: {
        ci: { issuer: provider.iss, subjects: SUBJECTS },
        east: { issuer: 'https://a.example.com', keys },
      },
    });
    await eventually(async () => expect(events).toContain('identity_keys_failed'));
    expect(providers.list().map(({ keys }) => keys?.length)).toEqual([undefined, 1]);
  });
});

describe('the directory of providers', () => {
  it('is read again when it changes, and a file that is not valid changes nothing', async () => {
    const directory = directoryForTest();
    const [east, west] = [identityIssuer(), identityIssuer()];
    writeJwks(join(directory, 'east.jwks'), east);
    const write = (name: string, content: string) => {
      writeFileSync(join(directory, `.${name}`), content);
      renameSync(join(directory, `.${name}`), join(directory, name));
    };
    write('east.yaml', `issuer: ${east.iss}\nkeys: east.jwks\n`);
    const { providers, events } = await opened({ identitiesDirectory: directory });
    const names = () => providers.list().map(({ name, audience }) => `${name} ${audience}`);
    expect(names()).toEqual([`east ${ORIGIN}`]);
    await providers.refresh();
    expect(events).toEqual([]);
    writeJwks(join(directory, 'west.jwks'), west);
    write('west.yaml', `issuer: ${west.iss}\nkeys: west.jwks\naudience: hub\n`);
    await providers.refresh();
    expect(names()).toEqual([`east ${ORIGIN}`, 'west hub']);
    write('north.yaml', `issuer: ${west.iss}\nkeys: west.jwks\n`);
    await providers.refresh();
    expect(names()).toEqual([`east ${ORIGIN}`, 'west hub']);
    expect(events).toEqual(['identities_reloaded', 'identities_kept']);
  });
});

describe('the configuration of providers', () => {
  const directory = directoryForTest;
  const jwks = (...issuers: ReturnType<typeof identityIssuer>[]) =>
    writeJwks(join(directory(), 'jwks.json'), ...issuers);
  const issuer = 'https://issuer.example.com';

  it.each<[string, () => Flags, RegExp]>([
    [
      'one key in two providers',
      () => {
        const keys = jwks(identityIssuer());
        return { identities: { a: { issuer, keys }, b: { issuer: 'https://b.example.com', keys } } };
      },
      /provider b has a key that a has too/,
    ],
    [
      'issuer and audience of the admin API',
      () => ({
        adminIssuer: issuer,
        adminAudience: 'linkgrant',
        identities: { a: { issuer, audience: 'linkgrant', keys: jwks(identityIssuer()) } },
      }),
      /admin API/,
    ],
    [
      'a keys file that is missing',
      () => ({ identities: { a: { issuer, keys: '/none.json' } } }),
      /none\.json/,
    ],
    ['a keys file without keys', () => ({ identities: { a: { issuer, keys: jwks() } } }), /no key/],
    [
      'an issuer without https and keys',
      () => ({ identities: { a: { issuer: 'http://a.example.com', subjects: ['*'] } } }),
      /no https URL/,
    ],
    ['a directory that is missing', () => ({ identitiesDirectory: '/none' }), /does not exist/],
  ])('is refused at the start for %s', async (_what, flags, message) => {
    await expect(open(flags()).opening).rejects.toThrow(message);
  });

  it.each<[string, unknown, RegExp]>([
    ['a provider without keys and subjects', { a: { issuer } }, /needs subjects/],
    ['an unknown member', { a: { issuer, keys: 'a', key: 'b' } }, /"key"/],
    ['a provider without issuer', { a: { keys: 'a' } }, /issuer/],
    ['a name with a colon', { 'a:b': { issuer, keys: 'a' } }, /a:b/],
    ['a list', [], /map of providers/],
    ['a text that is no JSON', 'east', /map of providers/],
  ])('cannot be %s', (_what, identities, message) => {
    const read = () => loadConfiguration({ dataDir: directory(), identities }, {});
    expect(read).toThrow(/^identities \(flag --identities\)/);
    expect(() => {
      try {
        read();
      } catch (error) {
        throw new Error((error as { readonly hint: string }).hint);
      }
    }).toThrow(message);
  });

  it('can be the JSON text of a flag or variable', () => {
    const text = JSON.stringify({ a: { issuer, keys: 'a.json' } });
    const { settings } = loadConfiguration({ dataDir: directory() }, { LINKGRANT_IDENTITIES: text });
    expect(settings.identities).toEqual({ a: { issuer, keys: 'a.json' } });
  });
});
