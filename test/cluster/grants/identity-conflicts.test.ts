import { expect, it } from 'vitest';
import { EVENTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { EventResource } from '../../../src/platforms/kubernetes/controller/event-recorder.js';
import { expectSuccess, json } from '../../support/command-line.js';
import { identityIssuer, identityToken, writeJwks } from '../../support/identity-issuer.js';
import { csrHeader } from '../../support/redeemed-answer.js';
import { eventually } from '../../support/until.js';
import { post } from '../../support/wire.js';
import { openAcceptingNamespace } from '../harness/accepting-namespace.js';
import { readyGrant, serveCluster } from '../harness/served.js';

const { cluster, account, workplace, west } = await openAcceptingNamespace();
const issuer = identityIssuer();
const keys = writeJwks(workplace.path('jwks.json'), issuer);
const providers = JSON.stringify({ east: { issuer: issuer.iss, keys } });
const service = await serveCluster(workplace, account.kubeconfig, '--identities', providers);

it('an identity with another key is in the log, in an Event of its grant, and in the list of events', async () => {
  const settings = { 'linkgrant/identities': 'east:*' };
  const grant = await readyGrant(cluster, west.namespace, 'hub', { redemptionsAllowed: 5, settings });
  const { url = '', ca = '' } = grant.status ?? {};
  const redeemFrom = (from: string) => {
    const token = identityToken(issuer, { sub: 'stolen', aud: new URL(url).origin, now: Date.now() });
    return post({ port: service.port, ca }, new URL(url).pathname, token, { headers: csrHeader(), from });
  };
  expect((await redeemFrom('127.0.0.1')).status).toBe(200);
  for (const _ of [1, 2]) expect((await redeemFrom('127.0.0.2')).status).toBe(404);

  const peer = '127.0.0.2 (first from 127.0.0.1)';
  await eventually(async () => {
    const list = ['ledger', 'list', '--grant', 'hub', '-o', 'json'];
    const events: { readonly kind: string }[] = json(expectSuccess(await west.run(list)));
    expect(events.filter(({ kind }) => kind === 'identity_conflict')).toMatchObject([
      { subject: 'east:stolen', peer, count: 2 },
    ]);
  });
  const { items } = await cluster.admin.listAll<EventResource>(EVENTS, { namespace: west.namespace });
  expect(items.filter(({ reason }) => reason === 'IdentityConflict')).toMatchObject([
    { type: 'Warning', count: 2, involvedObject: { kind: 'AccessGrant', name: 'hub' } },
  ]);
  expect(items.find(({ reason }) => reason === 'IdentityConflict')?.message).toContain(
    `subject "east:stolen", from ${peer}`,
  );
  const logged = service.said.stderr.split('\n').filter((line) => line.includes('"identity_conflict"'));
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { peer: '127.0.0.2', firstPeer: '127.0.0.1', grant: grant.metadata.uid },
    { peer: '127.0.0.2', firstPeer: '127.0.0.1', grant: grant.metadata.uid },
  ]);
});
