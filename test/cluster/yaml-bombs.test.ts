import { afterAll, expect, it } from 'vitest';
import { createMemoryCgroup } from '../support/memory-cgroup.js';
import { releaseAfterFile } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { serveHttps, type TestServer } from '../support/servers/hostile-server.js';
import { BOMB_NAMES, yamlBomb } from '../support/yaml-bombs.mjs';
import { shippedMemoryLimit } from './harness/manifests.js';
import { RedeemerCluster } from './harness/redeemer-cluster.js';

// At most 256 KiB, and a whole number of byte order marks (3 bytes each).
const RESPONSE = 255 * 1024;

const cgroup = releaseAfterFile(createMemoryCgroup(shippedMemoryLimit('redeemer')));
const at = releaseAfterFile(await RedeemerCluster.open());
afterAll(() => at.endTest());

/** Starts a server that responds to redemptions with this bomb. */
async function bombing(name: string): Promise<TestServer> {
  // `yamlBomb` counts characters, and a byte order mark has 3 bytes: limit the body to RESPONSE bytes.
  const body = Buffer.from(yamlBomb(name, RESPONSE)).subarray(0, RESPONSE);
  return at.keep(
    await serveHttps((request, _incoming, response) => {
      if (request.url.endsWith('/-/check')) response.writeHead(404).end('No such claim\n');
      else response.end(body);
    }),
  );
}

it('85 YAML bombs do not prevent the redemption of another token within the shipped memory limit', {
  timeout: 600_000,
}, async () => {
  const honest = await at.namespace();
  const redeemer = await at.run({ cgroup });
  // In a namespace each, because a namespace with several would wait: its servers take too much processor time.
  const hostile = await Promise.all(BOMB_NAMES.map(() => at.namespace()));
  for (const [index, bomb] of BOMB_NAMES.entries()) {
    await hostile[index]?.put({ ...(await bombing(bomb)).token, name: 'bomb' });
  }
  await honest.put((await at.issuing('linkgrant')).token);
  await honest.waitForStatus('Ready');
  for (const [index, place] of hostile.entries()) {
    const { status } = await retryUntil(
      `the refusal of ${BOMB_NAMES[index]}`,
      async () => {
        const found = await place.token('bomb');
        return found.status?.message === undefined ? undefined : found;
      },
      300_000,
    );
    expect(status?.message).toContain('cannot be used');
    expect(await place.links()).toEqual([]);
  }
  expect(cgroup.kills()).toBe(0);
  expect((await redeemer.stop('SIGTERM')).code).toBe(0);
});
