import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Stored } from '../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { startApiProxy } from '../cluster/harness/api-proxy.js';
import { kubeconfigOf, serverOf } from '../cluster/harness/kubeconfig.js';
import { post } from '../cluster/harness/post.js';
import { openTestCluster } from '../cluster/harness/test-cluster.js';
import { listenLocally } from '../support/free-port.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { serveHttps } from '../support/servers/hostile-server.js';

describe('a control plane of the tests', () => {
  const WRITE_CERTIFICATE = [
    'for flag; do case "$flag" in --cert-dir=*) directory="$(echo "$flag" | cut -d= -f2)";; esac; done',
    'mkdir -p "$directory" && echo "-----END" > "$directory/apiserver.crt"',
  ];

  /** Creates etcd and kube-apiserver as scripts that do not serve, and no kube-controller-manager. */
  function providePrograms(apiServer: readonly string[]): void {
    const directory = directoryForTest();
    for (const [name, lines] of [
      ['etcd', ['exec sleep 300']],
      ['kube-apiserver', apiServer],
    ] as const) {
      writeFileSync(join(directory, name), ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 });
    }
    vi.stubEnv('KUBEBUILDER_ASSETS', directory);
  }
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('fails at once if its API server has ended', { timeout: 60_000 }, async () => {
    providePrograms([...WRITE_CERTIFICATE, 'exit 3']);
    await expect(openTestCluster({ own: true })).rejects.toThrow('kube-apiserver ended (3)');
  });

  it('fails at once if controllers are needed and not provided', { timeout: 60_000 }, async () => {
    providePrograms([...WRITE_CERTIFICATE, 'exec sleep 300']);
    await expect(openTestCluster({ controllers: true })).rejects.toThrow('kube-controller-manager ENOENT');
  });
});

describe('the proxy in front of an API server', () => {
  it('breaks the connection at the end of a response that is shorter than `cutAfterBytes`', async () => {
    const server = createServer((_request, response) => {
      // Without a length, so that only the end of the response ends the body.
      response.write('short');
      response.end();
    });
    const port = await listenLocally(server);
    releaseAfterTest(server);
    const kubeconfig = join(directoryForTest(), 'kubeconfig');
    const target = { server: `http://127.0.0.1:${port}`, ca: '', token: 't' };
    writeFileSync(kubeconfig, kubeconfigOf(target));
    const proxy = releaseAfterTest(await startApiProxy(kubeconfig));
    proxy.decide(() => ({ cutAfterBytes: 1_000 }));
    const { server: url } = serverOf(proxy.kubeconfig);
    const answer = await fetch(url, { signal: AbortSignal.timeout(20_000) });
    await expect(answer.text()).rejects.toThrow('terminated');
  });
});

describe('a posted code', () => {
  it('is sent to the path as it is', async () => {
    const server = releaseAfterTest(await serveHttps((_request, _incoming, response) => response.end()));
    const grant = { metadata: { uid: 'east/../west/keyed' } } as Stored<AccessGrantResource>;
    await post(server, grant);
    expect(server.seen.map(({ url }) => url)).toEqual(['/east/../west/keyed']);
  });
});
