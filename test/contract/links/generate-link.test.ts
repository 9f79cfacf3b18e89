import { describe, expect, test } from 'vitest';
import { SITE_CA } from '../../../src/domain/names.js';
import type { Refusal } from '../../../src/domain/redemption-error.js';
import { describeCertificate } from '../../../src/pki/certificate-info.js';
import { OwnedAuthorities } from '../../../src/platforms/standalone/owned-authorities.js';
import { StandaloneSite } from '../../../src/platforms/standalone/site.js';
import {
  type GeneratedLink,
  type GenerateLinkRequest,
  generateLink,
} from '../../../src/redemption/accepting/generate-link.js';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';
import type { Site } from '../../../src/redemption/ports/site.js';
import { releaseAfterFile } from '../../support/release.js';
import { ENDPOINTS, startTestService } from '../../support/service.js';
import { withStore } from '../../support/stores/changed-store.js';
import { OpenSsl } from '../../unit/pki/openssl.js';

const REQUEST: GenerateLinkRequest = {
  namespace: 'default',
  name: 'to-west',
  subject: 'east',
  issuer: null,
  cost: 5,
};

const service = releaseAfterFile(await startTestService());
const authorities = new OwnedAuthorities(service.directory);
const clock = service.clock.read;
const site = new StandaloneSite({
  endpoints: ENDPOINTS,
  defaultIssuer: () => authorities.find(SITE_CA, clock()),
  findIssuer: (name) => authorities.find(name, clock()),
  clock,
});

function deps(changes: { readonly store?: GrantStore; readonly site?: Site } = {}) {
  return { store: service.store, site, clock, ...changes };
}

function expectGenerated(outcome: GeneratedLink | Refusal): GeneratedLink {
  if ('refused' in outcome) throw new Error(outcome.refused);
  return outcome;
}

async function grantCount(): Promise<number> {
  return (await service.store.listGrants({ limit: 100 })).items.length;
}

describe('link generate on the accepting side', () => {
  test('returns only endpoints with the requested roles, and records the roles for renewals', async () => {
    const interNetwork = {
      name: 'inter-network',
      host: 'hub.example.com',
      port: '35671',
      group: 'hub',
    } as const;
    const issuer = () => authorities.find(SITE_CA, clock());
    const both = new StandaloneSite({
      endpoints: [...ENDPOINTS, interNetwork],
      defaultIssuer: issuer,
      findIssuer: issuer,
      clock,
    });
    const own = expectGenerated(await generateLink(REQUEST, deps({ site: both })));
    expect(own.links.flatMap(({ endpoints }) => endpoints)).toEqual(ENDPOINTS);
    const policy = { endpointRoles: ['inter-network'] } as const;
    const { links, redemption } = expectGenerated(
      await generateLink({ ...REQUEST, policy }, deps({ site: both })),
    );
    expect(links).toMatchObject([{ name: 'to-west', endpoints: [interNetwork] }]);
    expect(redemption.policy).toEqual(policy);
  });

  test("creates a client credential of the site's CA, and a Link with the endpoints and the given cost", async () => {
    const { secret, links, redemption } = expectGenerated(await generateLink(REQUEST, deps()));
    expect(links).toEqual([{ name: 'to-west', endpoints: ENDPOINTS, tlsCredentials: 'to-west', cost: 5 }]);
    const openssl = new OpenSsl();
    expect(openssl.verifies(secret.tlsCrt, secret.caCrt, 'sslclient').ok).toBe(true);
    expect(openssl.verifies(secret.tlsCrt, secret.caCrt, 'sslserver').ok).toBe(false);
    openssl.remove();
    expect(describeCertificate(secret.tlsCrt)).toMatchObject({ subject: 'east', serial: redemption.serial });
  });

  test('records a redemption, and leaves no grant', async () => {
    const links = await Promise.all(
      Array.from({ length: 5 }, async () => expectGenerated(await generateLink(REQUEST, deps()))),
    );
    expect(new Set(links.map(({ secret }) => secret.tlsKey)).size).toBe(5);
    for (const { redemption, secret } of links) {
      const recorded = await service.store.findRedemption(redemption.id);
      expect(recorded).toMatchObject({ mode: 'generated', subject: 'east', certificate: secret.tlsCrt });
      expect(secret.annotations).toEqual({
        'linkgrant.dev/redemption-id': redemption.id,
        'linkgrant.dev/renewal-url': `https://127.0.0.1:${service.port}/-/renew`,
        'linkgrant.dev/server-ca': service.ca,
      });
      expect(await service.store.findGrant(redemption.grantUid)).toBeUndefined();
    }
  });

  test('is refused, and leaves nothing, if the site accepts no links', async () => {
    const before = (await service.store.listRedemptions({ limit: 100 })).items.length;
    const refusing: Site = {
      resolveAccess: async () => ({ refused: 'edge_site', reason: 'it is an edge site', hint: 'another' }),
    };
    expect(await generateLink(REQUEST, deps({ site: refusing }))).toMatchObject({ refused: 'edge_site' });
    expect((await service.store.listRedemptions({ limit: 100 })).items).toHaveLength(before);
  });

  test('never lists a grant, and records one redemption even if recording is repeated', async () => {
    const seen: number[] = [];
    const before = await grantCount();
    const watching = withStore(service.store, {
      async recordSingleUse(...args) {
        const recorded = service.store.recordSingleUse(...args);
        seen.push(await grantCount());
        await recorded;
        return service.store.recordSingleUse(...args);
      },
    });
    const { redemption } = expectGenerated(await generateLink(REQUEST, deps({ store: watching })));
    expect(seen).toEqual([before]);
    expect(await grantCount()).toBe(before);
    const attempts = await service.store.listAttempts(redemption.grantUid, 10);
    expect(attempts.filter(({ outcome }) => outcome === 'redeemed')).toHaveLength(1);
  });
});
