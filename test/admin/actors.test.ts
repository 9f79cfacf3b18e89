import { describe, expect, it } from 'vitest';
import { type BearerClaims, operatorClient, signBearer, startAdminService } from '../support/admin-api.js';
import { opensslRequest } from '../support/openssl-requests.js';
import { redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';

const service = releaseAfterFile(await startAdminService());

/** Returns a client of the admin API for a user with these claims. */
async function clientOf(subject: string, claims: BearerClaims['claims'] = {}) {
  const roles = ['linkgrant-operator'];
  const bearer = await signBearer(service.key, service.clock.read(), {
    subject,
    claims: { roles, ...claims },
  });
  const ask = operatorClient(service);
  return (method: string, path: string, json?: unknown) => ask(method, path, json, { bearer });
}

const ada = await clientOf('7f3a', { preferred_username: 'ada' });
const bob = await clientOf('91bc', { preferred_username: 'bob' });

/** Returns the entries of a grant: kind and actor. */
const entriesOf = async (grantUid: string) =>
  (await ada('GET', `/events?grantUid=${grantUid}`)).body.items as Record<string, string>[];
/** The actors of the entries of a grant, oldest first. */
const actorsOf = async (grantUid: string) =>
  (await entriesOf(grantUid)).map(({ kind, actor, actorName }) => [kind, actor, actorName]).reverse();

const createGrant = async (ask: typeof ada, name: string) =>
  (await ask('POST', '/grants', { name, redemptionsAllowed: 5 })).body.uid as string;

describe('the actor of an entry of the ledger', () => {
  it('is the user of each change, with the id and the name in their bearer token', async () => {
    const uid = await createGrant(ada, 'shared');
    await bob('PATCH', `/grants/${uid}`, { redemptionsAllowed: 6 });
    const { body: issued } = await ada('POST', '/tokens', { grantUid: uid, redemptionsAllowed: 1 });
    await bob('POST', `/tokens/${issued.id}/revoke`, { grantUid: uid });
    const { body: link } = await ada('POST', '/links', { grantUid: uid, request: opensslRequest().pem });
    await bob('POST', `/redemptions/${link.redemptionId}/revoke`, { source: 'keep-token' });
    await ada('POST', `/grants/${uid}/revoke`, {});
    await bob('DELETE', `/grants/${uid}`);
    const [byAda, byBob] = [
      ['oidc:7f3a', 'ada'],
      ['oidc:91bc', 'bob'],
    ];
    expect(await actorsOf(uid)).toEqual([
      ['created', ...byAda],
      ['changed', ...byBob],
      ['code_recorded', ...byAda],
      ['code_revoked', ...byBob],
      ['code_recorded', ...byAda],
      ['redeemed', ...byAda],
      ['revoked', ...byBob],
      ['grant_revoked', ...byAda],
      ['deleted', ...byBob],
    ]);
    expect((await ada('GET', `/redemptions/${link.redemptionId}`)).body).toMatchObject({
      peer: 'operator:oidc:7f3a',
      ledger: [{ actor: 'oidc:7f3a' }, { actor: 'oidc:91bc' }],
    });
    expect((await service.store.verifyLedger()).fault).toBeUndefined();
  });

  it('is the service for what it does by itself, and absent for a request of a client', async () => {
    const { grant, code } = await service.grant();
    redeemedAnswer(await post(service, `/${grant.uid}`, code));
    expect((await actorsOf(grant.uid)).at(-1)).toEqual(['redeemed', undefined, undefined]);
    const settings = (await ada('GET', '/events')).body.items as Record<string, string>[];
    const changed = settings.filter(({ kind }) => kind === 'setting_changed');
    expect(changed.map(({ setting, actor }) => [setting, actor])).toContainEqual(['service', 'service']);
  });

  it.each([
    ['a line break', 'ada\nroot'],
    ['an escape sequence', '\u001b[31mada'],
    ['a character that reorders text', 'ada\u202enimda'],
    ['half of a character', 'ada\ud800'],
    ['a null character', 'ada\0'],
  ])('names the subject alone if the preferred name has %s', async (what, name) => {
    const ask = await clientOf('7f3a', { preferred_username: name });
    const uid = await createGrant(ask, `hostile-${what.replaceAll(' ', '-')}`);
    expect(await actorsOf(uid)).toEqual([['created', 'oidc:7f3a', undefined]]);
  });

  it('names the subject of each user, and a preferred name only if it can be printed', async () => {
    const long = await clientOf('long', { preferred_username: 'n'.repeat(10_240) });
    const uid = await createGrant(long, 'long-name');
    expect(await actorsOf(uid)).toEqual([['created', 'oidc:long', 'n'.repeat(253)]]);
    const other = await clientOf('eve', { preferred_username: 'oidc:7f3a (ada)', name: 'ada' });
    await other('POST', `/grants/${uid}/revoke`, {});
    expect((await actorsOf(uid)).at(-1)).toEqual(['grant_revoked', 'oidc:eve', 'oidc:7f3a (ada)']);
    const unnamed = await clientOf('4711', { preferred_username: { name: 'ada' } });
    const another = await createGrant(unnamed, 'unnamed');
    expect(await actorsOf(another)).toEqual([['created', 'oidc:4711', undefined]]);
  });

  it('cannot be set by a request', async () => {
    const uid = await createGrant(ada, 'fixed');
    const claimed = { actor: 'service', actorName: 'root' };
    expect((await bob('PATCH', `/grants/${uid}`, { redemptionsAllowed: 7, ...claimed })).status).toBe(400);
    expect((await bob('POST', `/grants/${uid}/revoke?actor=service`, {})).status).toBe(400);
    expect((await bob('POST', '/grants', { name: 'claimed', ...claimed })).status).toBe(400);
    expect(await actorsOf(uid)).toEqual([['created', 'oidc:7f3a', 'ada']]);
  });
});
