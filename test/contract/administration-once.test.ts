import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { issuerDirectory } from '../../src/compose/service-issuers.js';
import { CodeKeyDirectory } from '../../src/platforms/standalone/code-key-directory.js';
import { publishCodeKey, rotateCodeKey } from '../../src/redemption/accepting/rotate-code-keys.js';
import { administrationOfStore } from '../../src/redemption/administration/store-administration.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import { directoryForTest } from '../support/release.js';
import { makeAuthority } from '../support/server-identity.js';
import { ENDPOINTS } from '../support/service.js';
import { withStore } from '../support/stores/changed-store.js';
import { sqliteStoreForTest } from '../support/stores/sqlite-store.js';
import { TestClock } from '../support/test-clock.js';

const ONCE = { caller: 'ops', key: 'the-key-of-this-creation' };
const NEW_GRANT = { namespace: 'default', name: 'once', redemptionsAllowed: 2 };

describe('a repeated creation', () => {
  const clock = new TestClock();
  let directory: string;
  let store: DatabaseStore;
  let codeKeys: CodeKeyDirectory;
  let ca: string;
  beforeAll(async () => {
    ca = (await makeAuthority('linkgrant-server-ca')).bundlePem;
  });
  beforeEach(async () => {
    directory = directoryForTest();
    store = await sqliteStoreForTest(clock.read, directory);
    codeKeys = new CodeKeyDirectory(directory, clock.read);
    await publishCodeKey(store, codeKeys);
  });

  const administration = (grantStore: DatabaseStore = store) =>
    administrationOfStore({
      store: grantStore,
      actor: { actor: 'local:ada' },
      outcomes: grantStore,
      clock: clock.read,
      codeKeys,
      readService: async () => ({
        platform: 'standalone',
        url: 'https://127.0.0.1:9090',
        ca,
        caSha256: '',
        hosts: [],
        endpoints: ENDPOINTS,
        issuer: null,
      }),
      resolveAccess: async () => ({ endpoints: ENDPOINTS, siteUid: null }),
      issuers: issuerDirectory({ dataDir: directory, readService: async () => undefined }, clock.read),
      openSite: () => Promise.reject(new Error('no link is issued')),
      isDeclared: () => false,
    });

  it('creates the grant if the first request crashed after it stored the outcome', async () => {
    const crashing = withStore(store, { createGrant: () => Promise.reject(new Error('the power went')) });
    await expect(administration(crashing).createGrant(NEW_GRANT, ONCE)).rejects.toThrow('the power went');
    expect((await store.listGrants({ limit: 1 })).items).toEqual([]);
    const created = await administration().createGrant(NEW_GRANT, ONCE);
    expect(await administration().createGrant(NEW_GRANT, ONCE)).toEqual(created);
    expect((await store.listGrants({ limit: 10 })).items.map(({ uid }) => uid)).toEqual([created.uid]);
  });

  it('returns the response of a first request that crashed after it created the grant', async () => {
    const crashing = withStore(store, {
      async createGrant(grant, code) {
        await store.createGrant(grant, code);
        throw new Error('the power went');
      },
    });
    await expect(administration(crashing).createGrant(NEW_GRANT, ONCE)).rejects.toThrow('the power went');
    const [stored] = (await store.listGrants({ limit: 10 })).items;
    const created = await administration().createGrant(NEW_GRANT, ONCE);
    expect(created.uid).toBe(stored?.uid);
    const token = await administration().issueToken({ grantUid: created.uid, code: created.code });
    expect(token.token.spec.code).toBe(created.code);
  });

  it('returns the same token after a crash, and records it once', async () => {
    const { uid: grantUid } = await administration().createGrant(NEW_GRANT);
    const crashing = withStore(store, { createCode: () => Promise.reject(new Error('the power went')) });
    await expect(administration(crashing).issueToken({ grantUid }, ONCE)).rejects.toThrow('the power went');
    const issued = await administration().issueToken({ grantUid }, ONCE);
    expect(await administration().issueToken({ grantUid }, ONCE)).toEqual(issued);
    expect((await store.listCodes({ limit: 10 })).items.map(({ jti }) => jti)).toEqual([issued.id]);
  });

  it('of a token is refused after its grant has expired', async () => {
    const { uid: grantUid } = await administration().createGrant(NEW_GRANT);
    await administration().issueToken({ grantUid }, ONCE);
    clock.advance(20 * 60_000);
    await expect(administration().issueToken({ grantUid }, ONCE)).rejects.toMatchObject({
      code: 'grant_state',
    });
  });

  it('returns the same response after a key rotation, and fails after the old key is removed', async () => {
    const created = await administration().createGrant(NEW_GRANT, ONCE);
    clock.advance(1_000);
    await rotateCodeKey(store, codeKeys, { dropOld: false });
    expect(await administration().createGrant(NEW_GRANT, ONCE)).toEqual(created);
    await rotateCodeKey(store, codeKeys, { dropOld: true });
    await expect(administration().createGrant(NEW_GRANT, ONCE)).rejects.toMatchObject({
      code: 'outcome_gone',
    });
  });

  it('is refused if the request body differs, even if only the code does', async () => {
    await administration().createGrant({ ...NEW_GRANT, code: 'a-chosen-code-of-mine' }, ONCE);
    const other = { ...NEW_GRANT, code: 'another-code-of-mine' };
    await expect(administration().createGrant(other, ONCE)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });
});
