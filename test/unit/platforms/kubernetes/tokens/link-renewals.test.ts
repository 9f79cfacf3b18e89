import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { SECRETS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Selection } from '../../../../../src/platforms/kubernetes/api/list-page.js';
import type { ResourceKey, ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { secretData } from '../../../../../src/platforms/kubernetes/requesting/namespace-target.js';
import {
  LinkRenewals,
  type LinkRenewalsOptions,
} from '../../../../../src/platforms/kubernetes/tokens/link-renewals.js';
import { linkTo, makeLinkSecret } from '../../../../support/links/link-samples.js';
import { DAY_MS, makeAuthority } from '../../../../support/server-identity.js';

it('renews a link that was redeemed after its namespace was listed, while another one is listed', async () => {
  const secret = await makeLinkSecret(await makeAuthority('west'), { issuedAt: Date.now() - 25 * DAY_MS });
  const renewal = { 'linkgrant.dev/renewal-url': 'https://127.0.0.1:9', 'linkgrant.dev/server-ca': 'a CA' };
  const due = { ...secret, annotations: { ...secret.annotations, ...renewal } };
  const found: string[] = [];
  const client = {
    list: async (_kind: ResourceKind, { namespace }: Selection) => {
      if (namespace === 'east') renewals.record('west', due);
      return { items: [], resourceVersion: '1', next: undefined };
    },
    find: async (_kind: ResourceKind, { namespace, name }: ResourceKey) => {
      found.push(`${namespace}/${name}`);
      return undefined;
    },
  } as unknown as KubernetesClient;
  const renewals = new LinkRenewals({
    client,
    namespaces: () => ['west', 'east'],
    clock: Date.now,
    // No link is renewed: the Secret is gone when the renewal begins.
    dependencies: () => ({}) as ReturnType<LinkRenewalsOptions['dependencies']>,
    waitMs: () => 0,
    observer: {} as LinkRenewalsOptions['observer'],
  });
  const stop = new AbortController();
  await renewals.run(stop.signal, async () => stop.abort());
  expect(found).toEqual(['west/to-west']);
});

it('contacts the server of a link only when the servers of its namespace need not wait any more', async () => {
  const { name, caCrt, tlsCrt, tlsKey, annotations } = await makeLinkSecret(await makeAuthority('west'), {
    issuedAt: Date.now() - 25 * DAY_MS,
  });
  const renewal = { 'linkgrant.dev/renewal-url': 'https://127.0.0.1:9', 'linkgrant.dev/server-ca': 'a CA' };
  const secret = {
    metadata: { name, namespace: 'west', annotations: { ...annotations, ...renewal } },
    data: secretData({ 'ca.crt': caCrt, 'tls.crt': tlsCrt, 'tls.key': tlsKey }),
  };
  const { endpoints, tlsCredentials } = linkTo('127.0.0.1', 55_671, name);
  const link = { metadata: { name, namespace: 'west' }, spec: { endpoints, tlsCredentials } };
  const client = {
    list: async (kind: ResourceKind) => {
      const items = [kind === SECRETS ? secret : link];
      return { items, resourceVersion: '1', next: undefined };
    },
    find: async () => secret,
  } as unknown as KubernetesClient;
  const waits = [20, 10];
  const failures: unknown[] = [];
  const stop = new AbortController();
  const contacted = once(stop.signal, 'abort');
  const renewals = new LinkRenewals({
    client,
    namespaces: () => ['west'],
    clock: Date.now,
    dependencies: () => {
      throw new Error('contacted');
    },
    waitMs: (namespace) => (namespace === 'west' && waits.shift()) || 0,
    observer: {
      failed(_key: string, error: Error & { readonly code?: string }) {
        failures.push(error.code ?? error.message);
        if (error.message === 'contacted') stop.abort();
      },
    } as unknown as LinkRenewalsOptions['observer'],
  });
  await renewals.run(stop.signal, async () => void (await contacted));
  expect(failures).toEqual(['overloaded', 'overloaded', 'contacted']);
});

it('lists the links every ten minutes, and at once after the clock was set back', async () => {
  let now = Date.parse('2026-01-03T00:00:00Z');
  let listings = 0;
  const client = {
    list: async () => {
      listings += 1;
      return { items: [], resourceVersion: '1', next: undefined };
    },
  } as unknown as KubernetesClient;
  const renewals = new LinkRenewals({
    client,
    namespaces: () => ['west'],
    clock: () => now,
    dependencies: () => ({}) as ReturnType<LinkRenewalsOptions['dependencies']>,
    waitMs: () => 0,
    observer: {} as LinkRenewalsOptions['observer'],
  });
  const stop = new AbortController();
  let waits = 0;
  await renewals.run(stop.signal, async (ms) => {
    if (waits === 0) now -= 2 * DAY_MS;
    now += ms;
    waits += 1;
    if (waits > 25) stop.abort();
  });
  expect(listings).toBe(4);
});
