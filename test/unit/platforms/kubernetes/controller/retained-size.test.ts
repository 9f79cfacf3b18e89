import { readFileSync } from 'node:fs';
import { serialize } from 'node:v8';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Resource, Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { readAccessGrant } from '../../../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { readLocation } from '../../../../../src/platforms/kubernetes/grants/grant-index.js';
import { SiteAccessCache } from '../../../../../src/platforms/kubernetes/sites/site-access-cache.js';
import { readRouterAccess, readSite } from '../../../../../src/platforms/kubernetes/sites/site-resource.js';
import { readRedemptionLocation } from '../../../../../src/platforms/kubernetes/store/redemption-index.js';
import { readTokenFacts } from '../../../../../src/platforms/kubernetes/tokens/token-index.js';
import type { SiteRequest } from '../../../../../src/redemption/ports/site.js';

const LONG = 'x'.repeat(250_000);
const NAME = 'n'.repeat(253);
const UID = '7b1a4a58-6a56-4f9c-9d0e-0123456789ab';
const LABELS = Object.fromEntries(
  Array.from({ length: 2_000 }, (_, number) => [`${NAME}/${number}-${'k'.repeat(50)}`, 'v'.repeat(63)]),
);
const CONDITIONS = [{ type: 'Redeemed', status: 'True', reason: LONG, message: LONG }];

/** A stored object with all that the API server accepts in its metadata; the other fields have no schema or no limit there. */
function hostile<T extends Resource>(fields: Partial<Resource>): Stored<T> {
  return {
    apiVersion: 'v1',
    kind: 'Any',
    metadata: {
      name: NAME,
      namespace: 'n'.repeat(63),
      uid: UID,
      resourceVersion: '123456',
      generation: 7,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: LABELS,
      annotations: { 'linkgrant.dev/note': LONG, 'linkgrant.dev/revoked': LONG },
    },
    ...fields,
  } as unknown as Stored<T>;
}

const endpoints = (host: string, count: number) =>
  Array.from({ length: count }, (_, number) => ({
    name: 'inter-router',
    host,
    port: '55671',
    group: `${NAME.slice(4)}${number}`,
  }));
const HOST = Array.from({ length: 4 }, () => 'h'.repeat(62)).join('.');
const network = (name: string, count: number) =>
  Array.from({ length: count }, (_, number) => ({
    id: `${number}-${name}`.slice(0, 253),
    name,
    links: [{ name, operational: true, remoteSiteId: UID }],
  }));
const LONGEST_CHARACTER = '🔑';

it.each([
  ['a Site with a long default issuer', 1_000, readSite(hostile({ spec: { defaultIssuer: LONG } }))],
  ['a Site with many endpoints', 1_000, readSite(hostile({ status: { endpoints: endpoints(HOST, 5_000) } }))],
  ['a Site with long endpoints', 1_000, readSite(hostile({ status: { endpoints: endpoints(LONG, 5) } }))],
  ['a Site with 64 endpoints', 40_000, readSite(hostile({ status: { endpoints: endpoints(HOST, 64) } }))],
  ['a Site with many peers', 1_000, readSite(hostile({ status: { network: network('a', 12_000) } }))],
  ['a Site with long names of peers', 2_500, readSite(hostile({ status: { network: network(LONG, 5) } }))],
  [
    'a Site with 5,000 peers',
    1_500_000,
    readSite(hostile({ status: { network: network(NAME.slice(0, 60), 5_000) } })),
  ],
  [
    'a RouterAccess',
    40_000,
    readRouterAccess(hostile({ spec: { tlsCredentials: LONG }, status: { endpoints: endpoints(HOST, 64) } })),
  ],
  [
    'an AccessGrant',
    1_000,
    readLocation(
      hostile({
        spec: { code: LONG, issuer: LONG, expirationWindow: LONG, settings: LABELS },
        status: { url: LONG, code: LONG, expirationTime: LONG, conditions: CONDITIONS },
      }),
    ),
  ],
  [
    'an AccessToken',
    1_000,
    readTokenFacts(hostile({ spec: { url: LONG, code: LONG }, status: { conditions: CONDITIONS } })),
  ],
])('of %s, an index retains less than %i bytes', (_what, bytes, facts) => {
  expect(serialize(facts).length).toBeLessThan(bytes);
});

it.each([
  [5_000, 5_000],
  [5_001, undefined],
])('a Site with %i connected peers reports %s of them', (count, reported) => {
  expect(readSite(hostile({ status: { network: network('a', count) } })).peers?.length).toBe(reported);
});

it('of a Redemption, an index retains less than 30,000 bytes, also with the largest texts that its CRD permits', () => {
  const crd = parse(
    readFileSync('deploy/helm/linkgrant/files/redemptions.yaml', 'utf8').replaceAll(/\{\{.*?\}\}/g, ''),
  );
  const { spec, status } = crd.spec.versions[0].schema.openAPIV3Schema.properties;
  const redemption = hostile<never>({ spec: largestOf(spec), status: largestOf(status) });
  const slot = 1;
  Object.assign(redemption, {
    metadata: { ...(redemption as Resource).metadata, name: `${UID}-${slot}` },
    spec: { ...((redemption as Resource).spec as object), grantUid: UID, slot },
  });
  const location = readRedemptionLocation(redemption);
  expect(location.link).toMatchObject({ grantUid: UID });
  expect(serialize(location).length).toBeLessThan(30_000);
});

it('the access to a site retains only the roles of the rules of a grant, and no issuer with more than 253 characters', async () => {
  const requests: SiteRequest[] = [];
  const cache = new SiteAccessCache(
    {
      resolveAccess: async (request) => {
        requests.push(request);
        return { refused: 'edge_site', reason: 'it is an edge site', hint: 'use another' };
      },
    },
    () => undefined,
  );
  const settings = {
    'linkgrant/subjects': 'a,'.repeat(500).slice(0, -1),
    'linkgrant/endpoint-roles': Array.from({ length: 500 }, () => 'edge,inter-router').join(','),
  };
  const { grant } = readAccessGrant(hostile({ spec: { issuer: LONG, settings } }));
  await cache.accessOf(grant);
  expect(requests).toEqual([
    {
      namespace: 'n'.repeat(63),
      name: NAME,
      issuer: null,
      policy: { endpointRoles: ['inter-router', 'edge'] },
    },
  ]);
});

interface Schema {
  readonly type: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

/** The largest value that a schema permits. Texts consist of characters of four bytes. */
function largestOf(schema: Schema): unknown {
  const { type, properties = {}, items, maxItems, maxLength } = schema;
  if (type === 'object') {
    return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, largestOf(value)]));
  }
  if (type === 'array') return Array.from({ length: maxItems as number }, () => largestOf(items as Schema));
  if (type === 'integer') return Number.MAX_SAFE_INTEGER;
  if (type === 'boolean') return true;
  if (schema.enum) return schema.enum[0];
  if (schema.format === 'uuid') return UID;
  expect(maxLength, JSON.stringify(schema)).toBeDefined();
  return LONGEST_CHARACTER.repeat(maxLength as number);
}
