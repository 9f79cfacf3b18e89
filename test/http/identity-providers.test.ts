import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { ConfiguredIdentities } from '../../src/compose/identities/configured-identities.js';
import { type Flags, loadConfiguration } from '../../src/config/config.js';
import { identityIssuer, identityToken, writeJwks } from '../support/identity-issuer.js';
import { startProvider } from '../support/identity-provider.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { eventually } from '../support/until.js';
import { outcomeOf, post } from '../support/wire.js';

const ORIGIN = 'https://grants.example.com:9090';
const SUBJECTS = ['*'];

const tokenOf = (issuer: ReturnType<typeof identityIssuer>, aud: string, now: number) =>
  identityToken(issuer, { sub: 'ci', aud, now });

function open(flags: Flags, pauseMs = 0) {
  const lines: Record<string, unknown>[] = [];
  const events: unknown[] = [];
  const write = (line: string) => {
    const parsed = JSON.parse(line);
    lines.push(parsed);
    events.push(parsed.event);
  };
  const logger = pino({ level: 'debug' }, { write });
  const logged = (event: string) => lines.filter((line) => line.event === event);
  const { settings } = loadConfiguration({ dataDir: directoryForTest(), ...flags }, {});
  const opening = ConfiguredIdentities.open(settings, {
    clock: Date.now,
    logger,
    origin: () => ORIGIN,
    pauseMs,
  });
  return { opening, events, logged };
}

async function opened(flags: Flags, pauseMs?: number) {
  const { opening, ...log } = open(flags, pauseMs);
  const providers = await opening;
  if (!providers) throw new Error('no provider is configured');
  return { providers, ...log };
}

describe('a provider whose keys are fetched', () => {
  it('has its redemptions refused for now until the service has keys, while codes are redeemed', async () => {
    const provider = releaseAfterTest(await startProvider());
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
    const provider = releaseAfterTest(await startProvider());
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
    const provider = releaseAfterTest(await startProvider());
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

  it('uses the other keys of a set with one that is malformed', async () => {
    const provider = releaseAfterTest(await startProvider());
    const { iss, jwk } = provider.issuer();
    provider.respondWith((request, response) => {
      const isMetadata = request.url === '/.well-known/openid-configuration';
      const keys = [null, 'key', { ...jwk, kid: 'cut', y: 7 }, jwk];
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(isMetadata ? { issuer: iss, jwks_uri: `${iss}/jwks` } : { keys }));
    });
    const { providers, logged } = await opened({ identities: { ci: { issuer: iss, subjects: SUBJECTS } } });
    const kids = () => providers.list().map(({ keys }) => keys?.map(({ kid }) => kid));
    await eventually(async () => expect(kids()).toEqual([['key-1']]));
    expect(logged('identity_keys_skipped')).toMatchObject([{ skipped: [{ kid: 'cut' }] }]);
  });

  it('gets no key that another provider has', async () => {
    const provider = releaseAfterTest(await startProvider());
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
  it('has precedence over fetched keys: a provider loses a key that a file has too', async () => {
    const provider = releaseAfterTest(await startProvider());
    const directory = directoryForTest();
    const identities = { ci: { issuer: provider.iss, subjects: SUBJECTS } };
    const { providers, events } = await opened({ identities, identitiesDirectory: directory });
    const counts = () => Object.fromEntries(providers.states().map(({ name, keys }) => [name, keys]));
    await eventually(async () => expect(counts()).toEqual({ ci: 1 }));
    writeJwks(join(directory, 'east.jwks'), provider.issuer());
    writeFileSync(join(directory, 'east.yaml'), `issuer: ${provider.iss}\nkeys: east.jwks\n`);
    await providers.refresh();
    await eventually(async () => expect(events).toContain('identity_keys_failed'));
    expect(counts()).toEqual({ ci: 0, east: 1 });
  });

  /** A directory with a provider for each issuer, by name. */
  function directoryWith(issuers: Readonly<Record<string, ReturnType<typeof identityIssuer>>>) {
    const directory = directoryForTest();
    const write = (name: string, content: string) => {
      writeFileSync(join(directory, `.${name}`), content);
      renameSync(join(directory, `.${name}`), join(directory, name));
    };
    for (const [name, issuer] of Object.entries(issuers)) {
      writeJwks(join(directory, `${name}.jwks`), issuer);
      write(`${name}.yaml`, `issuer: ${issuer.iss}\nkeys: ${name}.jwks\n`);
    }
    return { directory, write, remove: (name: string) => rmSync(join(directory, name)) };
  }

  const [east, west] = [identityIssuer(), identityIssuer()];
  const namesOf = (providers: ConfiguredIdentities) => providers.list().map(({ name }) => name);

  it('is read again when it changes', async () => {
    const { directory, write, remove } = directoryWith({ east });
    const { providers, events } = await opened({ identitiesDirectory: directory });
    const audiences = () => providers.list().map(({ name, audience }) => `${name} ${audience}`);
    expect(audiences()).toEqual([`east ${ORIGIN}`]);
    await providers.refresh();
    expect(events).toEqual([]);
    writeJwks(join(directory, 'west.jwks'), west);
    write('west.yaml', `issuer: ${west.iss}\nkeys: west.jwks\naudience: hub\n`);
    await providers.refresh();
    expect(audiences()).toEqual([`east ${ORIGIN}`, 'west hub']);
    remove('east.yaml');
    await providers.refresh();
    expect(audiences()).toEqual(['west hub']);
    expect(events).toEqual(['identities_reloaded', 'identities_reloaded']);
  });

  it.each<[string, (place: ReturnType<typeof directoryWith>) => void, RegExp]>([
    ['that is no YAML', ({ write }) => write('west.yaml', 'issuer: [\n'), /west cannot be used: .*not YAML/],
    ['with two documents', ({ write }) => write('west.yaml', 'a: 1\n---\nb: 1\n'), /west .*1 document/],
    ['without an issuer', ({ write }) => write('west.yaml', 'keys: west.jwks\n'), /west .*issuer/],
    ['whose keys are missing', ({ remove }) => remove('west.jwks'), /west\.jwks cannot be read: .*not exist/],
    ['whose keys are no JWKS', ({ write }) => write('west.jwks', '{}'), /west .*not a JWKS/],
    [
      'whose name is no name of a provider',
      ({ write, remove }) => {
        write('West.yaml', `issuer: ${west.iss}\nkeys: west.jwks\n`);
        remove('west.yaml');
      },
      /West is not the name/,
    ],
    [
      'that is a directory',
      ({ directory, remove }) => {
        remove('west.yaml');
        mkdirSync(join(directory, 'west.yaml'));
      },
      /west\.yaml cannot be read: it is a directory/,
    ],
    [
      'with a key of another provider',
      ({ directory }) => writeJwks(join(directory, 'west.jwks'), west, east),
      /west has a key that east has too/,
    ],
    [
      'with a key of another provider in another encoding',
      ({ write }) => {
        const x = Buffer.concat([Buffer.of(0), Buffer.from(String(east.jwk.x), 'base64url')]);
        write('west.jwks', JSON.stringify({ keys: [{ ...east.jwk, x: x.toString('base64url') }] }));
      },
      /west has a key that east has too|west .*no key with a kid/,
    ],
    ['whose keys are another file', ({ write }) => write('west.jwks', 'ghp_SECRET'), /it is not JSON$/],
    [
      'with issuer and audience of the admin API',
      ({ write }) => write('west.yaml', `issuer: ${west.iss}\nkeys: west.jwks\naudience: admin\n`),
      /west .*admin API/,
    ],
  ])('stops only the provider of a file %s', async (_what, change, message) => {
    const north = identityIssuer();
    const place = directoryWith({ east, north, west });
    const admin = { adminIssuer: west.iss, adminAudience: 'admin' };
    const { providers, logged } = await opened({ identitiesDirectory: place.directory, ...admin });
    expect(namesOf(providers)).toEqual(['east', 'north', 'west']);
    change(place);
    // The removal of a provider has an effect beside a file that cannot be used.
    place.remove('north.yaml');
    await providers.refresh();
    expect(namesOf(providers)).toEqual(['east']);
    const unusable = () => logged('identity_provider_unusable');
    expect(unusable()).toMatchObject([{ level: 50, err: { message: expect.stringMatching(message) } }]);
    expect(unusable()[0]?.identityProvider).toMatch(/^west$/i);
    const keys = providers.states().map((state) => [state.name.toLowerCase(), state.keys]);
    expect(Object.fromEntries(keys)).toEqual({ east: 1, west: 0 });
    await providers.refresh();
    expect(unusable()).toHaveLength(1);
    // The same when the service starts.
    const again = await opened({ identitiesDirectory: place.directory, ...admin });
    expect(namesOf(again.providers)).toEqual(['east']);
    expect(again.logged('identity_provider_unusable')).toHaveLength(1);
    rmSync(join(place.directory, 'west.yaml'), { recursive: true, force: true });
    place.write('west.yaml', `issuer: ${west.iss}\nkeys: mended.jwks\n`);
    writeJwks(join(place.directory, 'mended.jwks'), west);
    await providers.refresh();
    expect(namesOf(providers)).toContain('west');
  });

  it('stops all of its providers when it cannot be read, and not those of the settings', async () => {
    const { directory } = directoryWith({ east });
    const keys = writeJwks(join(directoryForTest(), 'jwks.json'), west);
    const identities = { west: { issuer: west.iss, keys } };
    const { providers, logged } = await opened({ identitiesDirectory: directory, identities });
    expect(namesOf(providers)).toEqual(['west', 'east']);
    rmSync(directory, { recursive: true });
    await providers.refresh();
    expect(namesOf(providers)).toEqual(['west']);
    expect(logged('identity_provider_unusable')).toMatchObject([
      { err: { message: expect.stringMatching(/--identities-directory .*does not exist/) } },
    ]);
  });

  it('is in use although a new file contains its public key', async () => {
    const { directory, write } = directoryWith({ west });
    const { providers, logged } = await opened({ identitiesDirectory: directory });
    writeJwks(join(directory, 'a.jwks'), west);
    write('a.yaml', `issuer: ${west.iss}\nkeys: a.jwks\n`);
    await providers.refresh();
    expect(namesOf(providers)).toEqual(['west']);
    await providers.refresh();
    expect(namesOf(providers)).toEqual(['west']);
    expect(logged('identity_provider_unusable')).toMatchObject([{ identityProvider: 'a' }]);
  });

  it('is read again after its keys were replaced with a file of the same size and time', async () => {
    const { directory } = directoryWith({ west });
    const { providers } = await opened({ identitiesDirectory: directory });
    const keyOf = () => providers.list()[0]?.keys?.[0]?.keySha256;
    const old = keyOf();
    const file = join(directory, 'west.jwks');
    const { atime, mtime, size } = statSync(file);
    writeJwks(file, identityIssuer());
    utimesSync(file, atime, mtime);
    expect(statSync(file)).toMatchObject({ size, mtimeMs: expect.closeTo(mtime.getTime(), -1) });
    await providers.refresh();
    expect(keyOf()).not.toBe(old);
  });

  it('is read from the file that a restarted service reads', async () => {
    const { directory, write } = directoryWith({ west });
    writeJwks(join(directory, 'west2.jwks'), east);
    rmSync(join(directory, 'west.yaml'));
    write('west.yml', `issuer: ${west.iss}\nkeys: west.jwks\n`);
    const { providers } = await opened({ identitiesDirectory: directory });
    write('west.yaml', `issuer: ${east.iss}\nkeys: west2.jwks\n`);
    await providers.refresh();
    const again = await opened({ identitiesDirectory: directory });
    const keyOf = (of: ConfiguredIdentities) => of.list().map(({ keys }) => keys?.[0]?.keySha256);
    expect(keyOf(providers)).toEqual(keyOf(again.providers));
  });

  it('does not read a file again that has not changed', async () => {
    const { directory, write } = directoryWith({ east, west });
    const { providers } = await opened({ identitiesDirectory: directory });
    const keysOf = (name: string) => providers.list().find((provider) => provider.name === name)?.keys;
    const [eastKeys, westKeys] = [keysOf('east'), keysOf('west')];
    write('west.yaml', `issuer: ${west.iss}\nkeys: west.jwks\naudience: hub\n`);
    await providers.refresh();
    // The same keys in the same object: they were not imported again.
    expect(keysOf('east')).toBe(eastKeys);
    expect(keysOf('west')).not.toBe(westKeys);
    expect(keysOf('west')).toHaveLength(1);
  });

  it('may have a provider with a malformed key, which is skipped and logged once', async () => {
    const { directory, write } = directoryWith({ east });
    const malformed = { ...identityIssuer().jwk, kid: 'cut', x: 'AAAA' };
    write(
      'east.jwks',
      JSON.stringify({ keys: [malformed, null, { ...malformed, kid: { toString: 1 } }, east.jwk] }),
    );
    const { providers, logged } = await opened({ identitiesDirectory: directory });
    expect(providers.list().map(({ keys }) => keys?.map(({ kid }) => kid))).toEqual([[east.kid]]);
    expect(logged('identity_keys_skipped')).toMatchObject([
      { identityProvider: 'east', skipped: [{ kid: 'cut' }, { kid: '' }] },
    ]);
    await providers.refresh();
    write('east.yaml', `issuer: ${east.iss}\nkeys: east.jwks\naudience: hub\n`);
    await providers.refresh();
    expect(logged('identity_keys_skipped')).toHaveLength(1);
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
      'two providers that fetch the keys of one issuer',
      () => {
        const fetched = { issuer, subjects: SUBJECTS };
        return { identities: { a: fetched, b: { ...fetched, audience: 'b' } } };
      },
      /provider b has the issuer, and so the keys, that a has too/,
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
