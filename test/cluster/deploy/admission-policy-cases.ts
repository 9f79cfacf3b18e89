import { expect, it } from 'vitest';
import { ApiError } from '../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import {
  CONFIG_MAPS,
  EVENTS,
  SECRETS,
  SECURED_ACCESSES,
} from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';

/** The label of the Secrets of linkgrant. */
export const OURS = { 'app.kubernetes.io/managed-by': 'linkgrant' };

/** An account of linkgrant, and a namespace in which it may write Secrets. */
export interface Attacker {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Name of a Secret that the account may create and read. */
  readonly secret: string;
}

/** A resource of a kind with other fields than `metadata`. */
export function resource(kind: ResourceKind, metadata: object, fields: object = {}): Resource {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return { apiVersion, kind: kind.kind, metadata, ...fields } as Resource;
}

/** How the API server answers a request: `done`, or the HTTP status of its refusal. */
export async function answerTo(request: Promise<unknown>): Promise<'done' | number | undefined> {
  try {
    await request;
    return 'done';
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}

/** What the policy of the redeemer denies. */
export function redeemerPolicyCases(attacker: () => Attacker, admin: KubernetesClient): void {
  it('denies changing, deleting or creating a Secret without its label', async () => {
    const { client, namespace } = attacker();
    const key = { namespace, name: 'theirs' };
    const stringData = { password: 'original' };
    const found = await admin.create(SECRETS, resource(SECRETS, key, { stringData }));
    const labels = { metadata: { labels: OURS } };
    const evil = { data: { password: Buffer.from('evil').toString('base64') } };
    expect(await answerTo(client.patch(SECRETS, key, evil))).toBe(403);
    expect(await answerTo(client.patch(SECRETS, key, { ...labels, ...evil }))).toBe(403);
    expect(await answerTo(client.replace(SECRETS, { ...found, ...evil }))).toBe(403);
    const forced = { fieldManager: 'attack', force: true };
    const wanted = resource(SECRETS, { ...key, labels: OURS }, evil);
    expect(await answerTo(client.apply(SECRETS, wanted, forced))).toBe(403);
    expect(await answerTo(client.delete(SECRETS, key))).toBe(403);
    for (const unlabelled of [undefined, {}, { 'app.kubernetes.io/managed-by': 'other' }]) {
      const metadata = { namespace, name: 'new', labels: unlabelled };
      expect(await answerTo(client.create(SECRETS, resource(SECRETS, metadata)))).toBe(403);
    }
    expect(await admin.get(SECRETS, key)).toEqual(found);
    await admin.delete(SECRETS, key);
  });
}

/** What the policy of the service denies. */
export function servicePolicyCases(attacker: () => Attacker, admin: KubernetesClient): void {
  it('denies an Opaque Secret with a name that the service does not use', async () => {
    const { client, namespace } = attacker();
    for (const other of [
      'skupper-site-ca',
      'linkgrant-pending-a',
      'linkgrant-sealed-g',
      'my-linkgrant-server',
    ]) {
      const wanted = resource(SECRETS, { namespace, name: other, labels: OURS }, { type: 'Opaque' });
      expect(await answerTo(client.create(SECRETS, wanted))).toBe(403);
    }
  });

  it('denies changing or deleting a ConfigMap of another program', async () => {
    const { client, namespace } = attacker();
    const key = { namespace, name: 'skupper-router' };
    const found = await admin.create(CONFIG_MAPS, resource(CONFIG_MAPS, key, { data: { a: 'b' } }));
    expect(await answerTo(client.patch(CONFIG_MAPS, key, { data: { a: 'evil' } }))).toBe(403);
    expect(await answerTo(client.replace(CONFIG_MAPS, { ...found, data: {} } as Resource))).toBe(403);
    expect(await answerTo(client.delete(CONFIG_MAPS, key))).toBe(403);
    const created = resource(CONFIG_MAPS, { namespace, name: 'theirs' });
    expect(await answerTo(client.create(CONFIG_MAPS, created))).toBe(403);
    expect(await admin.get(CONFIG_MAPS, key)).toEqual(found);
    await admin.delete(CONFIG_MAPS, key);
  });

  it('denies a SecuredAccess that exposes pods of another program', async () => {
    const { client, namespace } = attacker();
    const own = { 'app.kubernetes.io/name': 'linkgrant', 'app.kubernetes.io/component': 'redemption' };
    const https = { name: 'https', port: 9090, targetPort: 9090, protocol: 'TCP' };
    const create = (name: string, selector: object, fields: object = {}) => {
      const ports = [https];
      const spec = { ports, selector, ...fields };
      const wanted = resource(SECURED_ACCESSES, { namespace, name }, { spec });
      return answerTo(client.create(SECURED_ACCESSES, wanted, { dryRun: true }));
    };
    expect(await create('linkgrant-grants', own)).toBe('done');
    expect(await create('another', own)).toBe(403);
    expect(await create('linkgrant-grants', { app: 'database' })).toBe(403);
    expect(await create('linkgrant-grants', { 'app.kubernetes.io/name': 'linkgrant' })).toBe(403);
    expect(await create('linkgrant-grants', {})).toBe(403);
    // Skupper's controller would issue a certificate.
    expect(await create('linkgrant-grants', own, { issuer: 'skupper-site-ca' })).toBe(403);
    // Health and metrics are on 9091.
    const metrics = { ...https, name: 'metrics', port: 9091, targetPort: 9091 };
    for (const ports of [[https, metrics], [metrics], [{ ...https, targetPort: 9091 }]]) {
      expect(await create('linkgrant-grants', own, { ports })).toBe(403);
    }
  });

  it('denies an Event in the name of another program', async () => {
    const { client, namespace } = attacker();
    const eventOf = (reportingComponent: string, component = reportingComponent) =>
      resource(
        EVENTS,
        { namespace, name: 'an-event' },
        {
          involvedObject: { kind: 'Pod', name: 'a', namespace },
          reportingComponent,
          source: { component },
          reason: 'Killing',
        },
      );
    expect(await answerTo(client.create(EVENTS, eventOf('kubelet')))).toBe(403);
    // kubectl shows the source.
    for (const component of ['kubelet', '']) {
      expect(await answerTo(client.create(EVENTS, eventOf('linkgrant', component)))).toBe(403);
    }
    expect(await answerTo(client.create(EVENTS, eventOf('kubelet', 'linkgrant')))).toBe(403);
    const found = await admin.create(EVENTS, eventOf('kubelet'));
    const { resourceVersion } = found.metadata;
    const taken = eventOf('linkgrant');
    const metadata = { ...taken.metadata, resourceVersion };
    expect(await answerTo(client.replace(EVENTS, { ...taken, metadata }))).toBe(403);
    expect(await answerTo(client.create(EVENTS, { ...taken, metadata: { namespace, name: 'ours' } }))).toBe(
      'done',
    );
    for (const event of ['an-event', 'ours']) await admin.delete(EVENTS, { namespace, name: event });
  });
}
