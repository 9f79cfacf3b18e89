import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { CodeKeyDirectory } from '../../src/platforms/standalone/code-key-directory.js';
import {
  publishCodeKey,
  removeUnusedCodeKeys,
  rotateCodeKey,
  signingMasterKey,
} from '../../src/redemption/accepting/rotate-code-keys.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import { directoryForTest } from '../support/release.js';
import { SAMPLE_CODE, sampleGrant } from '../support/store-samples.js';
import { sqliteStoreForTest } from '../support/stores/sqlite-store.js';

const DAY = 86_400_000;
const START = Date.now();

let directory: string;
let now: number;
let store: DatabaseStore;
const clock = () => now;

beforeEach(async () => {
  directory = directoryForTest();
  now = START;
  store = await sqliteStoreForTest(clock, directory);
});

const open = () => new CodeKeyDirectory(directory, clock);
const kids = (keys = open()) => keys.list().map(({ kid }) => kid);
const grant = (changes: Parameters<typeof sampleGrant>[0]) =>
  store.createGrant(sampleGrant({ createdAt: now, expirationTime: now + DAY, ...changes }), SAMPLE_CODE);

describe('the master keys in a data directory', () => {
  it('are created at first use, readable only by their owner, and found again', async () => {
    const { kid, key } = await open().current();
    expect(key).toHaveLength(32);
    expect(await open().current()).toMatchObject({ kid, key });
    expect(await open().find(kid)).toMatchObject({ kid, key });
    expect(await open().find('another')).toBeUndefined();
    expect(statSync(join(directory, 'code-keys')).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'code-keys', '1.json')).mode & 0o777).toBe(0o600);
  });

  it('are one key if another process creates the first one at the same moment', async () => {
    // The clock is read after the directory was found empty, and before the file is created.
    let other: string | undefined;
    const late = new CodeKeyDirectory(directory, () => {
      other ??= open().rotate().kid;
      return now;
    });
    expect((await late.current()).kid).toBe(other);
    expect(kids()).toEqual([other]);
    expect(readdirSync(join(directory, 'code-keys'))).toEqual(['1.json']);
  });

  it('are read again after another instance rotates or removes one, although they are cached', async () => {
    const reader = open();
    const { kid: first } = await reader.current();
    // With an old modification time, the reader caches its list.
    const longAgo = new Date(now - DAY);
    utimesSync(join(directory, 'code-keys'), longAgo, longAgo);
    expect(kids(reader)).toEqual([first]);
    const { kid: second } = open().rotate();
    expect((await reader.current()).kid).toBe(second);
    const { kid: third } = open().rotate();
    expect(kids(reader)).toEqual([third, second, first]);
    open().remove(second);
    expect(kids(reader)).toEqual([third, first]);
    expect(await reader.find(second)).toBeUndefined();
  });

  it('always include the signing key, which cannot be removed', async () => {
    const { kid } = await open().current();
    open().remove(kid);
    expect(kids()).toEqual([kid]);
  });

  it('are reported and not replaced if they are damaged', async () => {
    await open().current();
    const file = join(directory, 'code-keys', '1.json');
    for (const content of ['', '{}', '{"kty":"oct","kid":"a","k":"c2hvcnQ"}']) {
      writeFileSync(file, content);
      await expect(open().current()).rejects.toThrow();
      expect(readFileSync(file, 'utf8')).toBe(content);
    }
  });
});

describe('a command that signs beside a service', () => {
  it("signs with the service's key, and refuses if the directory belongs to another service", async () => {
    const keys = open();
    await publishCodeKey(store, keys);
    expect(await signingMasterKey(store, open())).toMatchObject({ kid: kids()[0] });
    const other = join(directory, 'other');
    expect(await signingMasterKey(store, new CodeKeyDirectory(other, clock))).toBeUndefined();
    expect(readdirSync(directory)).not.toContain('other');
    const { kid } = await rotateCodeKey(store, open(), { dropOld: true });
    expect(await signingMasterKey(store, keys)).toMatchObject({ kid });
    expect(kids()).toEqual([kid]);
  });
});

describe('an old master key', () => {
  /** Creates a key and a grant that expires in three days, then rotates the key a day later. */
  async function createAndRotate() {
    const { kid: old } = await open().current();
    await grant({ expirationTime: now + 3 * DAY });
    now += DAY;
    const { kid: current } = await rotateCodeKey(store, open(), { dropOld: false });
    return { old, current };
  }

  it('is removed a week after the last grant from before the rotation expired', async () => {
    const { old, current } = await createAndRotate();
    now += DAY / 2;
    await grant({ expirationTime: now + 1_000 * DAY });
    for (now = START + DAY; now < START + 10 * DAY; now += DAY) {
      expect(await removeUnusedCodeKeys(store, open(), now)).toEqual([]);
    }
    expect(kids()).toEqual([current, old]);
    now = START + 10 * DAY;
    expect(await removeUnusedCodeKeys(store, open(), now)).toEqual([old]);
    expect(kids()).toEqual([current]);
    expect(await removeUnusedCodeKeys(store, open(), now + 9_999 * DAY)).toEqual([]);
  });

  it('is retained while a grant from before the rotation is pending, and removed when that grant is revoked', async () => {
    const { old } = await createAndRotate();
    const pending = sampleGrant({ createdAt: START, expirationTime: null, readyAt: null });
    await store.createGrant(pending, SAMPLE_CODE);
    now += 1_000 * DAY;
    expect(await removeUnusedCodeKeys(store, open(), now)).toEqual([]);
    await store.revokeGrant(pending.uid, now);
    expect(await removeUnusedCodeKeys(store, open(), now)).toEqual([old]);
  });

  it('is retained for a grant from before the rotation if the clock of the machine that rotated was half an hour slow', async () => {
    await open().current();
    await grant({ expirationTime: now + 1_000 * DAY });
    now -= DAY / 48;
    await rotateCodeKey(store, open(), { dropOld: false });
    expect(await removeUnusedCodeKeys(store, open(), START + 10 * DAY)).toEqual([]);
  });

  it('is retained if the next key has no creation time', async () => {
    const { old, current } = await createAndRotate();
    const file = join(directory, 'code-keys', '2.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/,"createdAt":"[^"]*"/, ''));
    expect(await removeUnusedCodeKeys(store, open(), now + 1_000 * DAY)).toEqual([]);
    expect(kids()).toEqual([current, old]);
  });
});
