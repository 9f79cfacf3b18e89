import { describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, REDEMPTIONS } from '../../src/platforms/kubernetes/api/kinds.js';
import { expectSuccess, json } from '../support/command-line.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { post } from './harness/post.js';
import { readyGrant, serveCluster } from './harness/served.js';

const { cluster, account, workplace, west } = await openAcceptingNamespace();
const serving = await serveCluster(workplace, account.kubeconfig);

const NOTE = 'linkgrant.dev/note';
const keyOf = (name: string) => ({ namespace: west.namespace, name });
const metadataOf = async (name: string) => (await cluster.admin.get(ACCESS_GRANTS, keyOf(name))).metadata;
const run = async (...words: readonly string[]) => {
  const ended = expectSuccess(await west.run([...words, '-o', 'json']));
  return json(ended);
};

describe('commands on labels and notes in a cluster', () => {
  it('write labels and notes of a grant to its AccessGrant', async () => {
    const created = await run('grant', 'create', 'a', '--label', 'team=x', '--note', 'for =1+1 \u202e');
    expect(created).toMatchObject({ labels: { team: 'x' }, note: 'for =1+1 \u202e' });
    expect(await metadataOf('a')).toMatchObject({
      labels: { team: 'x', 'app.kubernetes.io/managed-by': 'linkgrant' },
      annotations: { [NOTE]: 'for =1+1 \u202e' },
    });
    const updated = await run('grant', 'update', 'a', '--label', 'team-', '--label', 'pilot=', '--note', '');
    expect(updated.labels).toEqual({ pilot: '' });
    expect(updated).not.toHaveProperty('note');
    const { labels, annotations } = await metadataOf('a');
    expect(labels).toEqual({ pilot: '', 'app.kubernetes.io/managed-by': 'linkgrant' });
    expect(annotations).not.toHaveProperty(NOTE);
  });

  it('show and select labels and notes of other programs, and do not change them', async () => {
    await readyGrant(cluster, west.namespace, 'b', {});
    const labels = { 'app.kubernetes.io/managed-by': 'argo', 'internal.skupper.io/x': 'y', team: 'z' };
    const annotations = { [NOTE]: `line one\nline two ${'x'.repeat(2_000)}`, other: 'stays' };
    await cluster.admin.patch(ACCESS_GRANTS, keyOf('b'), { metadata: { labels, annotations } });
    const [listed] = await run('grant', 'list', '-l', 'team=z,app.kubernetes.io/managed-by=argo');
    expect(listed).toMatchObject({ name: 'b', labels });
    expect(listed.note).toHaveLength(1_000);
    const text = (await west.run(['grant', 'show', 'b'])).stdout;
    expect(text).toContain('line one\\u000aline two');
    expect((await run('grant', 'update', 'b', '--label', 'more=1')).labels).toEqual({ ...labels, more: '1' });
    expect(await metadataOf('b')).toMatchObject({ labels: { ...labels, more: '1' }, annotations });
    const refused = await west.run(['grant', 'update', 'b', '--label', 'internal.skupper.io/x-']);
    expect(refused.code).toBe(2);
    expect(await run('grant', 'list', '-l', 'team=z,!more')).toEqual([]);
  });

  it('write labels and notes of a link to its Redemption, without rights in the namespace of the service', async () => {
    const grant = await readyGrant(cluster, west.namespace, 'c', { redemptionsAllowed: 2 });
    expect(await post(serving, grant)).toMatchObject({ status: 200 });
    expect(await post(serving, grant)).toMatchObject({ status: 200 });
    const [one, two] = await run('redemption', 'list', '--grant', 'c');
    expect(one.labels).toEqual({});
    const updated = await run('redemption', 'update', one.id, '--label', 'region=eu', '--note', 'in Berlin');
    expect(updated).toMatchObject({ id: one.id, labels: { region: 'eu' }, note: 'in Berlin' });
    const { items } = await cluster.admin.listAll(REDEMPTIONS, {
      namespace: west.namespace,
      labelSelector: `linkgrant.dev/redemption-id=${one.id},region=eu`,
    });
    expect(items).toMatchObject([{ metadata: { annotations: { [NOTE]: 'in Berlin' } } }]);
    const ids = async (selector: string) =>
      (await run('redemption', 'list', '--grant', 'c', '-l', selector)).map(({ id }: { id: string }) => id);
    expect(await ids('region=eu')).toEqual([one.id]);
    expect(await ids('region!=eu')).toEqual([two.id]);
    const removed = await run('redemption', 'update', one.id, '--label', 'region-', '--note', '');
    expect(removed.labels).toEqual({});
    expect(removed).not.toHaveProperty('note');
    expect(await run('redemption', 'show', one.id)).toMatchObject({ id: one.id, labels: {} });
    const refused = await west.run([
      ...['redemption', 'update', one.id, '--label', 'linkgrant.dev/redemption-id-'],
    ]);
    expect(refused.code).toBe(2);
  });
});
