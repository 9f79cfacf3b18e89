import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ACCESS_TOKENS, LINKS, SECRETS, SITES } from '../../../src/platforms/kubernetes/api/kinds.js';
import { metricOf } from '../../support/operations.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { serveHttps, serveTcp } from '../../support/servers/hostile-server.js';
import { slowIdentity } from '../../support/slow-certificates.js';
import { RedeemerCluster } from '../harness/redeemer-cluster.js';
import { readyz } from '../harness/replicas.js';
import { putRequestingSite } from '../harness/requesting-namespace.js';
import { bindRedeemer } from '../harness/token-namespace.js';

const at = releaseAfterFile(await RedeemerCluster.open({ own: true }));
afterEach(() => at.endTest());

describe('a namespace with AccessTokens', () => {
  it('reports what its tokens wait for until it has a Site, and then redeems them', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace({ withoutSite: true });
    const redeemer = await at.run();
    await place.put(server.token);
    const { status } = await place.waitForStatus('Pending');
    expect(status?.message).toBe(
      `A site must exist in namespace ${place.namespace} before a token can be redeemed`,
    );
    // The status of another controller is not overwritten, and does not prevent the redemption.
    const conditions = status?.conditions?.map((one) => ({ ...one, reason: 'Error', message: 'Theirs' }));
    const theirs = { status: { status: 'Error', message: 'Theirs', conditions } };
    const key = { namespace: place.namespace, name: 'my-link' };
    const written = await at.cluster.admin.patch(ACCESS_TOKENS, key, theirs, { subresource: 'status' });
    await retryUntil('the line in the log', async () =>
      redeemer.log().find(({ event }) => event === 'status_overwritten'),
    );
    await at.nextToken();
    expect(await place.token()).toEqual(written);
    await putRequestingSite(at.cluster, place.namespace);
    await place.waitForStatus('Ready');
    expect(server.issued()).toBe(1);
  });

  it('reports a deleted Site in its redeemed tokens, and redeems none of them again', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    await at.run();
    await place.put(server.token);
    await place.waitForStatus('Ready');
    // In place of the garbage collector, which does not run here.
    for (const { metadata } of await place.secrets()) await at.cluster.admin.delete(SECRETS, metadata);
    for (const { metadata } of await place.links()) await at.cluster.admin.delete(LINKS, metadata);
    await at.cluster.admin.delete(SITES, { namespace: place.namespace, name: 'east' });
    const { status } = await place.waitForStatus('Error');
    expect(status).toMatchObject({ redeemed: true, message: 'Already redeemed for a deleted site' });
    expect(status?.conditions?.[0]).toMatchObject({ type: 'Redeemed', status: 'True', reason: 'Error' });
    await putRequestingSite(at.cluster, place.namespace, 'again');
    await at.nextToken();
    expect((await place.token()).status).toEqual(status);
    expect(server.issued()).toBe(1);
  });

  it('is not served until it has a RoleBinding', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace({ closed: true });
    const first = await at.run();
    const made = await place.put(server.token);
    const logLine = await retryUntil('a line in the log', async () =>
      first.log().find(({ event }) => event === 'namespace_not_served'),
    );
    expect(logLine).toMatchObject({ namespace: place.namespace });
    await at.nextToken();
    expect(await place.token()).toEqual(made);
    expect(server.seen).toEqual([]);
    await bindRedeemer(at.cluster, place.namespace);
    await first.stop();
    await at.endLead();
    await at.run();
    await place.waitForStatus('Ready');
  });

  it('does not delay other namespaces if it has many tokens of a server that never responds', async () => {
    const open = new Set<Socket>();
    let most = 0;
    const dead = at.keep(
      await serveTcp((socket) => {
        most = Math.max(most, open.add(socket).size);
        socket.once('close', () => open.delete(socket));
      }),
    );
    for (let count = 0; count < 5; count += 1) {
      const place = await at.namespace();
      for (let number = 0; number < 10; number += 1) {
        await place.put({ ...dead.token, name: `dead-${number}` });
      }
    }
    const redeemer = await at.run();
    // Two tokens of each namespace wait for a response; the other tokens wait for these two.
    await retryUntil('two connections of each namespace', async () => open.size === 10);
    await at.nextToken();
    // Two new connections of each namespace, and two of retries.
    expect(most).toBeLessThanOrEqual(20);
    // The open connections do not delay the shutdown.
    expect(await redeemer.stop('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('waits when its servers take too much processor time, says until when, and does not prevent other redemptions', async () => {
    const identity = slowIdentity('k571', 30);
    const slow = at.keep(await serveHttps((_request, _incoming, response) => response.end(), { identity }));
    const place = await at.namespace();
    await at.run();
    const names = Array.from({ length: 40 }, (_, number) => `slow-${number}`);
    for (const name of names) await place.put({ ...slow.token, name });
    const retryAt = await retryUntil('a token that waits', async () => {
      const messages = await Promise.all(
        names.map(async (name) => (await place.token(name)).status?.message),
      );
      return messages
        .map(
          (text) => /take too much processor time\. The next attempt is at (\S+Z)\.$/.exec(text ?? '')?.[1],
        )
        .find((time) => time !== undefined);
    });
    expect(Date.parse(retryAt)).toBeGreaterThan(Date.now() - 60_000);
    await at.nextToken();
    expect(slow.connections()).toBeLessThan(names.length);
  });
});

describe('an outage of the API server', () => {
  it('does not prevent redemptions after it has ended', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    const controlPlane = at.cluster.ownControlPlane();
    const redeemer = await at.run();
    await at.nextToken();
    await controlPlane.stopApiServer();
    await retryUntil('a failure', async () => redeemer.log().find(({ event }) => event === 'cluster_failed'));
    controlPlane.startApiServer();
    await retryUntil('the API server', () => place.links());
    await place.put(server.token);
    await place.waitForStatus('Ready');
    expect(server.issued()).toBe(1);
  });
});

describe('replicas', () => {
  it('are both ready while one of them leads, and the other redeems after the leader has stopped', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    const replicas = [await at.run(), await at.run()];
    const leading = () =>
      Promise.all(replicas.map(async (one) => (await metricOf(one, 'linkgrant_leading')) === 1));
    await retryUntil('a leader', async () => (await leading()).includes(true));
    for (const one of replicas) await retryUntil('readiness', async () => (await readyz(one)) === 200);
    expect((await leading()).filter(Boolean)).toHaveLength(1);
    const [first] = await leading();
    expect(await replicas[first ? 0 : 1]?.stop('SIGTERM')).toMatchObject({ code: 0 });
    await place.put(server.token);
    await place.waitForStatus('Ready');
    expect(server.issued()).toBe(1);
  });
});
