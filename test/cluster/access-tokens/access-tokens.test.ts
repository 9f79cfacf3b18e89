import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../../src/domain/access-token.js';
import { ACCESS_TOKENS } from '../../../src/platforms/kubernetes/api/kinds.js';
import { linkgrant } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { postings, serveHttps } from '../../support/servers/hostile-server.js';
import type { Fate } from '../harness/api-proxy.js';
import { printedTable } from '../harness/printed-table.js';
import { RedeemerCluster } from '../harness/redeemer-cluster.js';
import { namesOf, textIn } from '../harness/resources.js';

const at = releaseAfterFile(await RedeemerCluster.open());
afterEach(() => at.endTest());

const CONFLICT = JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 });

describe('an AccessToken', () => {
  it.each(['linkgrant', 'stock'] as const)(
    'from a %s server becomes Ready, with a Secret and a Link owned by the Site',
    async (manner) => {
      const sent = { cost: 3, settings: { later: 'on' }, labels: { 'example.com/team': 'network' } };
      const server = await at.issuing(manner, sent);
      const place = await at.namespace();
      const redeemer = await at.redeemer();
      await place.put({ ...server.token, linkCost: 7 });
      const token = await place.waitForStatus('Ready');
      expect(token.status).toMatchObject({ redeemed: true, status: 'Ready', message: 'OK' });
      expect(token.status?.conditions).toEqual([
        {
          type: 'Redeemed',
          status: 'True',
          reason: 'Ready',
          message: 'OK',
          observedGeneration: 1,
          lastTransitionTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
      ]);
      const [secret, ...others] = await place.secrets();
      const [link] = await place.links();
      expect(others).toEqual([]);
      const owner = { apiVersion: 'skupper.io/v2alpha1', kind: 'Site', name: 'east', uid: place.siteUid };
      for (const resource of [secret, link]) expect(resource?.metadata.ownerReferences).toEqual([owner]);
      expect(link?.spec).toMatchObject({ tlsCredentials: 'my-link', cost: 7, settings: sent.settings });
      expect(link?.metadata.labels).toMatchObject(sent.labels);
      expect(new X509Certificate(textIn(secret, 'tls.crt')).issuer).toContain('Test Site CA');
      const [posting, ...more] = postings(server);
      expect(more).toEqual([]);
      expect(posting?.headers).toMatchObject({ name: 'my-link', subject: place.siteUid, renews: 'true' });
      const logLine = await retryUntil('the line in the log', async () =>
        redeemer.log(place.namespace).find(({ event }) => event === 'token_redeemed'),
      );
      expect(logLine).toMatchObject({ namespace: place.namespace, name: 'my-link', source: manner });
      const columns = await printedTable(at.cluster.kubeconfig, ACCESS_TOKENS, place.namespace);
      expect(columns).toMatchObject([{ Redeemed: true, Status: 'Ready', Message: 'OK' }]);
    },
  );

  it.each([
    ...['key-created', 'before-post', 'answer-received', 'answer-stored', 'before-write'],
    ...['secret-written', 'link-written', 'outcome-written', 'before-status'],
  ])('is redeemed by the next redeemer with one use if the first is killed at %s', async (checkpoint) => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    await place.put(server.token);
    const first = await at.run({ killedAt: checkpoint });
    expect((await first.ended).signal).toBe('SIGKILL');
    expect((await place.token()).status?.redeemed ?? false).toBe(false);
    await at.endLead();
    await at.redeemer();
    expect((await place.waitForStatus('Ready')).status?.redeemed).toBe(true);
    expect(server.issued()).toBe(1);
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
    expect(namesOf(await place.links())).toEqual(['my-link']);
  });

  it('has an unknown outcome if a crash hides whether a Skupper grant server received the request', async () => {
    const server = await at.issuing('stock');
    const place = await at.namespace();
    await place.put(server.token);
    const first = await at.run({ killedAt: 'before-post' });
    expect((await first.ended).signal).toBe('SIGKILL');
    await at.endLead();
    await at.run();
    const { status } = await place.waitForStatus('OutcomeUnknown');
    expect(status).toMatchObject({ redeemed: false });
    expect(status?.message).toContain('The code was posted');
    expect(status?.message).toContain('linkgrant token redeem --retry');
    expect(postings(server)).toEqual([]);
    expect(await place.links()).toEqual([]);
  });

  it('is sent once to a Skupper grant server whose response is lost, and its outcome is unknown', async () => {
    const server = await at.issuing('stock');
    server.loseAnswers(1);
    const place = await at.namespace();
    const first = await at.run();
    await place.put(server.token);
    const { status } = await place.waitForStatus('OutcomeUnknown');
    expect(status?.message).toContain('no complete response arrived');
    await first.stop();
    await at.endLead();
    // The next redeemer does not post this token again.
    const proxy = await at.proxy();
    await at.run({ kubeconfig: proxy.kubeconfig });
    const listing = `/namespaces/${place.namespace}/secrets?`;
    await retryUntil('the listing', async () => proxy.requests.some(({ path }) => path.includes(listing)));
    const other = await at.namespace();
    await other.put((await at.issuing('linkgrant')).token);
    await other.waitForStatus('Ready');
    expect((await place.token()).status).toEqual(status);
    expect(postings(server)).toHaveLength(1);
    expect(server.issued()).toBe(1);
  });

  it('is Ready although its redeemer receives SIGTERM while a slow server answers', async () => {
    const server = await at.issuing('stock');
    server.slowDown(6_500);
    const place = await at.namespace();
    const redeemer = await at.run();
    await place.put(server.token);
    await retryUntil('the posting', async () => postings(server).length > 0);
    expect(await redeemer.stop('SIGTERM')).toMatchObject({ code: 0 });
    expect((await place.token()).status).toMatchObject({ redeemed: true, status: 'Ready' });
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
    expect(server.issued()).toBe(1);
  });

  it('is not sent after its redeemer receives SIGTERM, and does not delay the shutdown', async () => {
    const server = at.keep(await serveHttps(() => undefined));
    const place = await at.namespace();
    const redeemer = await at.run();
    await place.put(server.token);
    await retryUntil('the check', async () => server.seen.length > 0);
    expect(await redeemer.stop('SIGTERM')).toMatchObject({ code: 0 });
    expect(postings(server)).toEqual([]);
    expect((await place.token()).status).toBe(undefined);
    expect(await place.secrets()).toEqual([]);
    expect(redeemer.log().filter(({ event }) => event === 'token_failed')).toEqual([]);
  });

  it('becomes Ready after a manual retry of an unknown outcome', async () => {
    const server = await at.issuing('stock');
    server.loseAnswers(1);
    const place = await at.namespace();
    const first = await at.run();
    await place.put(server.token);
    await place.waitForStatus('OutcomeUnknown');
    await first.stop();
    await at.endLead();
    const cluster = ['-p', 'kubernetes', '--kubeconfig', at.cluster.kubeconfig, '-n', place.namespace];
    const input = encodeAccessToken(server.token);
    // A minute later the command does not wait for the response to the earlier request.
    const later = { input, clockOffsetMs: 60_000 };
    expect(await linkgrant(['token', 'redeem', '-', '--retry', ...cluster], later)).toMatchObject({
      code: 0,
    });
    await at.run();
    expect((await place.waitForStatus('Ready')).status).toMatchObject({ redeemed: true });
    expect(postings(server)).toHaveLength(2);
  });

  it('is redeemed with one use if responses of a linkgrant server are lost', async () => {
    const server = await at.issuing('linkgrant');
    server.loseAnswers(2);
    const place = await at.namespace();
    await at.redeemer();
    await place.put(server.token);
    await place.waitForStatus('Ready');
    expect(server.issued()).toBe(1);
    expect(postings(server)).toHaveLength(3);
  });

  it.each<[string, Fate]>([
    ['conflict', { status: 409, body: CONFLICT }],
    ['get no response', 'drop'],
  ])('is redeemed once if the first writes of its status %s', async (_, fate) => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    const proxy = await at.proxy();
    let failures = 2;
    proxy.decide(({ method, path }) => {
      if (method !== 'PATCH' || !path.includes('/accesstokens/my-link/status') || failures === 0)
        return 'pass';
      failures -= 1;
      return fate;
    });
    await at.run({ kubeconfig: proxy.kubeconfig });
    await place.put(server.token);
    await place.waitForStatus('Ready');
    expect(failures).toBe(0);
    expect(postings(server)).toHaveLength(1);
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
  });
});
