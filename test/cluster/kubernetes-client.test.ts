import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/platforms/kubernetes/api/api-error.js';
import { openKubernetesClient } from '../../src/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS, CONFIG_MAPS, REDEMPTIONS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import type { WatchEvent } from '../../src/platforms/kubernetes/api/watch-stream.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { NAMESPACES } from './harness/kinds.js';
import { openTestCluster } from './harness/test-cluster.js';
import { throughProxy } from './harness/through-proxy.js';

type ConfigMap = Resource & { readonly data?: Readonly<Record<string, string>> };

const cluster = releaseAfterFile(await openTestCluster());
const client = cluster.admin;
const namespace = await cluster.namespace();

function configMap(name: string, data: Readonly<Record<string, string>> = {}, more = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...more }, data };
}

/** Returns the ApiError that a promise rejects with. Fails for any other outcome. */
async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('the Kubernetes API client', () => {
  it('creates, reads, replaces, patches and deletes', async () => {
    const created = await client.create(CONFIG_MAPS, configMap('whole', { a: '1' }));
    const key = { namespace, name: 'whole' };
    expect(await client.get<ConfigMap>(CONFIG_MAPS, key)).toEqual(created);
    const replaced = await client.replace<ConfigMap>(CONFIG_MAPS, { ...created, data: { a: '2' } });
    expect(replaced.data).toEqual({ a: '2' });
    expect((await refusal(client.replace(CONFIG_MAPS, created))).reason).toBe('conflict');
    const patched = await client.patch<ConfigMap>(CONFIG_MAPS, key, { data: { b: '3' } });
    expect(patched.data).toEqual({ a: '2', b: '3' });
    const other = { uid: '00000000-0000-4000-8000-000000000000' };
    expect((await refusal(client.delete(CONFIG_MAPS, key, other))).reason).toBe('conflict');
    expect(await client.delete(CONFIG_MAPS, key, { uid: created.metadata.uid })).toBe(true);
    expect(await client.delete(CONFIG_MAPS, key)).toBe(false);
    expect(await client.find(CONFIG_MAPS, key)).toBeUndefined();
  });

  it('applies as one of several managers, and takes over a field only with force', async () => {
    const field = (value: string) => configMap('applied', { mine: value });
    await client.apply(CONFIG_MAPS, field('1'), { fieldManager: 'one' });
    const conflicting = client.apply(CONFIG_MAPS, field('2'), { fieldManager: 'two' });
    expect((await refusal(conflicting)).reason).toBe('conflict');
    const forced = await client.apply<ConfigMap>(CONFIG_MAPS, field('2'), {
      fieldManager: 'two',
      force: true,
    });
    expect(forced.data).toEqual({ mine: '2' });
  });

  it('writes the status of a resource without the spec, and the spec without the status', async () => {
    const grant = await client.create(ACCESS_GRANTS, {
      apiVersion: 'skupper.io/v2alpha1',
      kind: 'AccessGrant',
      metadata: { name: 'g', namespace },
      spec: { redemptionsAllowed: 2 },
      status: { code: 'ignored' },
    } as Resource);
    expect(grant).not.toHaveProperty('status');
    const status = { code: 'a-code', redemptions: 1 };
    const changed = { spec: { redemptionsAllowed: 9 }, status };
    const patched = await client.patch(ACCESS_GRANTS, grant.metadata, changed, { subresource: 'status' });
    expect(patched).toMatchObject({ spec: { redemptionsAllowed: 2 }, status });
  });

  it('lists in pages, a whole namespace or by label', async () => {
    const place = await cluster.namespace();
    const names = Array.from({ length: 7 }, (_, index) => `m-${index}`);
    for (const [index, name] of names.entries()) {
      await client.create(CONFIG_MAPS, {
        ...configMap(name),
        metadata: { name, namespace: place, labels: { parity: index % 2 ? 'odd' : 'even' } },
      });
    }
    const first = await client.list(CONFIG_MAPS, { namespace: place }, { limit: 3 });
    const second = await client.list(CONFIG_MAPS, { namespace: place }, { limit: 3, after: first.next });
    const third = await client.list(CONFIG_MAPS, { namespace: place }, { limit: 3, after: second.next });
    expect([first, second, third].flatMap(({ items }) => items.map(({ metadata }) => metadata.name))).toEqual(
      names,
    );
    expect(third.next).toBeUndefined();
    const odd = await client.listAll(CONFIG_MAPS, { namespace: place, labelSelector: 'parity=odd' });
    expect(odd.items).toHaveLength(3);
  });

  it('distinguishes an existing object, an absent one, an unknown kind, and an invalid name', async () => {
    await client.create(CONFIG_MAPS, configMap('twice'));
    const requests = [
      client.create(CONFIG_MAPS, configMap('twice')),
      client.get(CONFIG_MAPS, { namespace, name: 'absent' }),
      client.create(CONFIG_MAPS, { ...configMap('x'), metadata: { name: 'x', namespace: 'absent' } }),
      client.list({ ...REDEMPTIONS, version: 'v9' }, { namespace }),
      client.list({ ...REDEMPTIONS, group: 'absent.example' }, { namespace }),
      client.create(CONFIG_MAPS, configMap('Not A Name')),
    ];
    expect((await Promise.all(requests.map(refusal))).map(({ reason }) => reason)).toEqual([
      'already_exists',
      'not_found',
      'not_found',
      'no_such_kind',
      'no_such_kind',
      'invalid',
    ]);
  });

  it('does not print the contents of a resource in its errors', async () => {
    const grant = {
      apiVersion: 'skupper.io/v2alpha1',
      kind: 'AccessGrant',
      metadata: { name: 'wrong', namespace },
      spec: { redemptionsAllowed: 'the-secret-code' },
    };
    const error = await refusal(client.create(ACCESS_GRANTS, grant as Resource));
    expect(error).toMatchObject({ reason: 'invalid', status: 422, outcomeUnknown: false });
    expect(error.message).toBe(`create accessgrants ${namespace}/wrong: HTTP 422 (Invalid)`);
  });

  it('can do what the roles of its service account permit, and nothing else', async () => {
    const account = await cluster.serviceAccount(namespace, [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
    ]);
    const limited = releaseAfterTest(await openKubernetesClient({ kubeconfig: [account.kubeconfig] }));
    expect(limited.namespace).toBe(namespace);
    await client.create(CONFIG_MAPS, configMap('readable'));
    const key = { namespace, name: 'readable' };
    expect(await limited.get(CONFIG_MAPS, key)).toMatchObject({ metadata: key });
    expect(await refusal(limited.delete(CONFIG_MAPS, key))).toMatchObject({ reason: 'forbidden' });
    expect(await refusal(limited.list(CONFIG_MAPS))).toMatchObject({ reason: 'forbidden' });
  });

  it('reports a terminating namespace', async () => {
    const place = await cluster.namespace();
    // Without controllers the namespace stays terminating.
    await client.delete(NAMESPACES, { name: place });
    const late = client.create(CONFIG_MAPS, {
      ...configMap('late'),
      metadata: { name: 'late', namespace: place },
    });
    expect(await refusal(late)).toMatchObject({ reason: 'forbidden', causes: ['NamespaceTerminating'] });
  });

  it('watches changes from the end of a listing', async () => {
    const place = await cluster.namespace();
    const put = (name: string) =>
      client.create(CONFIG_MAPS, { ...configMap(name), metadata: { name, namespace: place } });
    await put('before');
    const { resourceVersion } = await client.listAll(CONFIG_MAPS, { namespace: place });
    const ending = new AbortController();
    const events: WatchEvent<ConfigMap>[] = [];
    const watching = (async () => {
      for await (const event of client.watch<ConfigMap>(
        CONFIG_MAPS,
        { namespace: place, resourceVersion, timeoutSeconds: 60 },
        ending.signal,
      )) {
        if (event.type === 'BOOKMARK') continue;
        events.push(event);
        if (events.length === 3) return;
      }
    })();
    await put('a');
    await client.patch(CONFIG_MAPS, { namespace: place, name: 'a' }, { data: { snow: '☃' } });
    await client.delete(CONFIG_MAPS, { namespace: place, name: 'a' });
    await watching;
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  });

  it('ends a watch without an error at its timeout, and reports an expired resource version', async () => {
    const place = await cluster.namespace();
    const { resourceVersion } = await client.listAll(CONFIG_MAPS, { namespace: place });
    const { signal } = new AbortController();
    const selection = { namespace: place, resourceVersion, timeoutSeconds: 1 };
    for await (const event of client.watch(CONFIG_MAPS, selection, signal)) {
      expect(event.type).toBe('BOOKMARK');
    }
    // Older than the API of this kind.
    const old = client.watch(ACCESS_GRANTS, { ...selection, resourceVersion: '1' }, signal);
    expect(await refusal(old.next())).toMatchObject({ reason: 'gone' });
  });

  describe('behind a connection that breaks', () => {
    const through = (use: Parameters<typeof throughProxy>[1]) =>
      throughProxy(cluster.kubeconfig, use, { responseTimeoutMs: 60_000 });

    it('reports an unknown outcome of a write if its response is lost', () =>
      through(async (proxied, proxy) => {
        proxy.decide(({ method }) => (method === 'POST' ? 'cut' : 'pass'));
        const error = await refusal(proxied.create(CONFIG_MAPS, configMap('cut')));
        expect(error).toMatchObject({ reason: 'unavailable', outcomeUnknown: true });
        expect(await proxied.find(CONFIG_MAPS, { namespace, name: 'cut' })).toBeDefined();
      }));

    it('ends a watch that the server does not end in time', () =>
      through(async (proxied, proxy) => {
        proxy.decide(() => 'silent');
        const selection = { namespace, resourceVersion: '0', timeoutSeconds: 1 };
        const watching = async () => {
          for await (const _ of proxied.watch(CONFIG_MAPS, selection, new AbortController().signal));
        };
        expect((await refusal(watching())).reason).toBe('unavailable');
      }));

    it('reports that nothing was written if the server requests a later retry, and when to retry', () =>
      through(async (proxied, proxy) => {
        proxy.decide(() => ({ status: 429, headers: { 'retry-after': '7' } }));
        const error = await refusal(proxied.create(CONFIG_MAPS, configMap('later')));
        expect(error).toMatchObject({ reason: 'unavailable', outcomeUnknown: false, retryAfter: 7 });
      }));

    it('reads again over a new connection if an idle one was closed meanwhile', () =>
      through(async (proxied, proxy) => {
        await client.create(CONFIG_MAPS, configMap('idle'));
        const key = { namespace, name: 'idle' };
        await proxied.get(CONFIG_MAPS, key);
        let dropped = 0;
        proxy.decide(() => (dropped++ === 0 ? 'drop' : 'pass'));
        expect(await proxied.get(CONFIG_MAPS, key)).toMatchObject({ metadata: key });
      }));

    it('lists in smaller pages if a page is too large', async () => {
      const full = await cluster.namespace();
      const text = 'x'.repeat(900_000);
      const names = Array.from({ length: 24 }, (_, index) => `large-${String(index).padStart(2, '0')}`);
      for (const name of names) {
        await client.create(CONFIG_MAPS, configMap(name, { text }, { namespace: full }));
      }
      await through(async (proxied, proxy) => {
        const { items } = await proxied.listAll<ConfigMap>(CONFIG_MAPS, { namespace: full });
        expect(items.map(({ metadata }) => metadata.name)).toEqual(names);
        const limits = proxy.requests.map(({ path }) => /[?&]limit=(\d+)/.exec(path)?.[1]);
        expect(limits.slice(0, 3)).toEqual(['500', '63', '8']);
      });
    });

    it('lists a namespace while the listings of another one wait for the server', async () => {
      const slow = await cluster.namespace();
      await through(async (proxied, proxy) => {
        proxy.decide(({ path }) => (path.includes(slow) ? 'silent' : 'pass'));
        const listIn = (place: string) => proxied.list(CONFIG_MAPS, { namespace: place });
        const slowOnes = Array.from({ length: 4 }, () => refusal(listIn(slow)));
        expect(await Promise.race([listIn(namespace), ...slowOnes])).toHaveProperty('items');
      });
    });

    it('reports that nothing was written if the server accepts no connection', () =>
      through(async (proxied, proxy) => {
        await proxy.close();
        const error = await refusal(proxied.create(CONFIG_MAPS, configMap('closed')));
        expect(error).toMatchObject({ reason: 'unavailable', outcomeUnknown: false });
      }));

    it('reports a watch that is cut within a line as a failure', () =>
      through(async (proxied, proxy) => {
        const { resourceVersion } = await client.listAll(CONFIG_MAPS, { namespace });
        await client.create(CONFIG_MAPS, configMap('watched'));
        proxy.decide(() => ({ cutAfterBytes: 100 }));
        const { signal } = new AbortController();
        const selection = { namespace, resourceVersion, timeoutSeconds: 60 };
        const events = proxied.watch(CONFIG_MAPS, selection, signal);
        expect(await refusal(events.next())).toMatchObject({ reason: 'unavailable' });
      }));
  });
});
