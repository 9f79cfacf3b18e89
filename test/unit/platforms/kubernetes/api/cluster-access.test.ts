import { writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exchangeJson } from '../../../../../src/platforms/kubernetes/api/api-transport.js';
import {
  type ClusterAccess,
  openClusterAccess,
} from '../../../../../src/platforms/kubernetes/api/cluster-access.js';
import { directoryForTest, releaseAfterTest } from '../../../../support/release.js';
import { listenLocally } from '../../../../support/servers/local-server.js';
import { until } from '../../../../support/until.js';

interface Entries {
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, unknown>>;
  readonly namespace?: string;
  /** Name of the context and of the cluster; `a` if absent. */
  readonly name?: string;
}

/** Writes a kubeconfig whose user is named `admin`; returns its path. */
function kubeconfigWith({ cluster, user, namespace, name = 'a' }: Entries): string {
  const path = join(directoryForTest(), 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    users: [{ name: 'admin', user }],
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
  const first = { cluster: { server: 'https://first.example' }, user: { token: 'one' }, namespace: 'west' };
  const FIRST = { server: 'first.example', authorization: 'Bearer one', namespace: 'west' };
  const open = async (kubeconfig: readonly string[], context?: string) =>
    contentOf(releaseAfterTest(await openClusterAccess({ kubeconfig, context })));

  it('are merged: of two entries with one name, the first is used', async () => {
    const later = { cluster: { server: 'https://later.example' }, user: { token: 'two' }, namespace: 'east' };
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

it('a token file is read again if credentials are requested again', async () => {
  const tokenFile = join(directoryForTest(), 'token');
  writeFileSync(tokenFile, 'the-first');
  const kubeconfig = kubeconfigWith({
    cluster: { server: 'https://a.example' },
    user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } },
  });
  const access = releaseAfterTest(await openClusterAccess({ kubeconfig: [kubeconfig] }));
  expect((await access.current()).headers.Authorization).toBe('Bearer the-first');
  writeFileSync(tokenFile, 'the-second');
  expect((await access.current(true)).headers.Authorization).toBe('Bearer the-second');
});

it('a request continues when the client certificate has changed, and the next one uses another agent', async () => {
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => responses.push(response));
  const { port } = releaseAfterTest(await listenLocally(server));
  const certificate = join(directoryForTest(), 'client.crt');
  writeFileSync(certificate, 'the first');
  const kubeconfig = kubeconfigWith({
    cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
    user: { 'client-certificate': certificate, 'client-key': certificate },
  });
  const access = releaseAfterTest(await openClusterAccess({ kubeconfig: [kubeconfig] }));
  const { agent } = await access.current();
  const { signal } = new AbortController();
  const answer = exchangeJson(access, {
    method: 'POST',
    path: '/things',
    description: 'create things',
    signal,
  });
  await until(() => responses.length === 1);
  writeFileSync(certificate, 'the second');
  expect((await access.current(true)).agent).not.toBe(agent);
  responses[0]?.end('{"ok":true}');
  expect(await answer).toEqual({ ok: true });
});
