import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ClusterAccess,
  openClusterAccess,
} from '../../../../../src/platforms/kubernetes/api/cluster-access.js';
import { directoryForTest, releaseAfterTest } from '../../../../support/release.js';

interface Entries {
  readonly server: string;
  readonly token: string;
  readonly namespace: string;
  /** Name of the context and of the cluster. */
  readonly name: string;
}

/** Writes a kubeconfig whose user is named `admin`; returns its path. */
function kubeconfigWith({ server, token, namespace, name }: Entries): string {
  const path = join(directoryForTest(), 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name, context: { cluster: name, user: 'admin', namespace } }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** The server, the token and the namespace of an access. */
async function contentOf(access: ClusterAccess) {
  const { server, headers } = await access.current();
  return { server: server.host, authorization: headers.Authorization, namespace: access.namespace };
}

describe('several kubeconfig files', () => {
  const first = { server: 'https://first.example', token: 'one', namespace: 'west', name: 'a' };
  const FIRST = { server: 'first.example', authorization: 'Bearer one', namespace: 'west' };
  const open = async (kubeconfig: readonly string[], context?: string) =>
    contentOf(releaseAfterTest(await openClusterAccess({ kubeconfig, context })));

  it('are merged: of two entries with one name, the first is used', async () => {
    const later = { ...first, server: 'https://later.example', token: 'two', namespace: 'east' };
    expect(await open([kubeconfigWith(first), kubeconfigWith(later)])).toEqual(FIRST);
    const files = [kubeconfigWith(first), kubeconfigWith({ ...later, name: 'b' })];
    expect(await open(files)).toEqual(FIRST);
    expect(await open(files, 'b')).toEqual({ ...FIRST, server: 'later.example', namespace: 'east' });
  });

  it('may contain the same file twice', async () => {
    const file = kubeconfigWith(first);
    expect(await open([file, file])).toEqual(FIRST);
  });
});
