import { describe, expect, it } from 'vitest';
import { SiteIndex } from '../../../../../src/platforms/kubernetes/sites/site-index.js';
import type {
  RouterAccessFacts,
  SiteFacts,
} from '../../../../../src/platforms/kubernetes/sites/site-resource.js';

const site = (name: string, changes: Partial<SiteFacts> = {}): SiteFacts => ({
  kind: 'Site',
  namespace: 'west',
  name,
  uid: `uid-${name}`,
  createdAt: '2026-01-01T00:00:00Z',
  isReady: false,
  isEdge: false,
  defaultIssuer: undefined,
  endpoints: [],
  peers: undefined,
  ...changes,
});

const access = (name: string, changes: Partial<RouterAccessFacts> = {}): RouterAccessFacts => ({
  kind: 'RouterAccess',
  namespace: 'west',
  name,
  endpoints: [],
  tlsCredentials: name,
  ...changes,
});

const YOUNGER = { createdAt: '2026-01-02T00:00:00Z' };

describe('the site of a namespace', () => {
  it.each([
    ['a Ready one before an older one', [site('old'), site('ready', { ...YOUNGER, isReady: true })], 'ready'],
    ['the oldest of several', [site('a', YOUNGER), site('b'), site('c', YOUNGER)], 'b'],
    ['the first by name of several of one age', [site('b'), site('a'), site('c')], 'a'],
  ])('is %s, in any order of the events and of a listing', (_which, sites, name) => {
    for (const objects of [sites, sites.toReversed()]) {
      const watched = new SiteIndex(() => undefined);
      for (const object of objects) watched.sites.put(object);
      const listed = new SiteIndex(() => undefined);
      listed.sites.replace(objects);
      expect([watched, listed].map((index) => index.siteOf('west')?.name)).toEqual([name, name]);
    }
  });

  it('follows the changes and deletions of its Sites', () => {
    const index = new SiteIndex(() => undefined);
    const sink = index.sites;
    sink.replace([site('a'), site('b'), site('a', { namespace: 'east' })]);
    sink.put(site('b', { isReady: true }));
    expect(index.siteOf('west')?.name).toBe('b');
    sink.put(site('b'));
    expect(index.siteOf('west')?.name).toBe('a');
    sink.remove(site('a'));
    expect(index.siteOf('west')?.name).toBe('b');
    sink.remove(site('b'));
    expect(index.siteOf('west')).toBeUndefined();
    expect(index.siteOf('east')?.name).toBe('a');
  });

  it('is not changed by a RouterAccess of the same name', () => {
    const index = new SiteIndex(() => undefined);
    index.sites.put(site('a'));
    index.routerAccesses.put(access('a'));
    index.routerAccesses.replace([]);
    expect(index.siteOf('west')?.name).toBe('a');
  });

  it('is found without comparing Sites, and an event compares only a few dozen of 10,000 Sites', () => {
    let reads = 0;
    const counted = (number: number): SiteFacts => ({
      ...site(`s-${(number * 7_919) % 10_000}`),
      get isReady() {
        reads += 1;
        return false;
      },
    });
    const index = new SiteIndex(() => undefined);
    const sink = index.sites;
    for (let number = 0; number < 10_000; number += 1) sink.put(counted(number));
    reads = 0;
    for (let event = 0; event < 100; event += 1) index.siteOf('west');
    expect(reads).toBe(0);
    sink.put(counted(5_000));
    sink.remove(counted(0));
    expect(index.siteOf('west')?.name).toBe('s-1');
    expect(reads).toBeLessThan(200);
  });
});

describe('the RouterAccesses of a namespace', () => {
  it('are sorted by name, and follow changes and deletions', () => {
    const index = new SiteIndex(() => undefined);
    const sink = index.routerAccesses;
    sink.replace([access('c'), access('a'), access('a', { namespace: 'east' })]);
    sink.put(access('b'));
    sink.put(access('c', { tlsCredentials: 'another' }));
    sink.remove(access('a'));
    const found = index.routerAccessesOf('west').map(({ name, tlsCredentials }) => [name, tlsCredentials]);
    expect(found).toEqual([
      ['b', 'b'],
      ['c', 'another'],
    ]);
  });

  it('are at most 64, so that a redemption does not search thousands', () => {
    const index = new SiteIndex(() => undefined);
    const names = Array.from({ length: 2_000 }, (_, number) => `access-${number}`);
    index.routerAccesses.replace(names.map((name) => access(name)));
    expect(index.routerAccessesOf('west').map(({ name }) => name)).toEqual(names.sort().slice(0, 64));
  });
});

it('an index of sites reports each namespace that a listing or an event may have changed', () => {
  const changed: string[] = [];
  const index = new SiteIndex((namespace) => changed.push(namespace));
  const sink = index.sites;
  sink.replace([site('a'), site('a', { namespace: 'east' })]);
  sink.replace([site('a', { namespace: 'north' }), site('b')]);
  sink.remove(site('b'));
  expect(changed).toEqual(['west', 'east', 'west', 'east', 'north', 'west']);
});

it('an index of sites reports a namespace only if an event or a listing changes what its links depend on', () => {
  const changed: string[] = [];
  const index = new SiteIndex((namespace) => changed.push(namespace));
  const endpoint = { name: 'inter-router', host: 'west', port: '55671', group: 'skupper-router' } as const;
  const peer = { siteId: 'an-id', siteName: 'edge', linkName: 'l', acceptingSite: 'uid-a' };
  index.sites.put(site('a', { endpoints: [endpoint] }));
  index.routerAccesses.put(access('a', { endpoints: [endpoint] }));
  changed.length = 0;
  for (const peers of [undefined, [peer], []]) {
    index.sites.put(site('a', { endpoints: [{ ...endpoint }], peers }));
    index.sites.replace([site('a', { endpoints: [{ ...endpoint }], peers: [peer] })]);
    index.routerAccesses.put(access('a', { endpoints: [{ ...endpoint }] }));
    index.routerAccesses.replace([access('a', { endpoints: [{ ...endpoint }] })]);
  }
  expect(changed).toEqual([]);
  expect(index.peers()).toEqual([peer]);
  index.sites.put(site('a', { endpoints: [{ ...endpoint, port: '55672' }] }));
  index.sites.replace([site('a', { endpoints: [endpoint] })]);
  index.sites.put(site('a', { endpoints: [endpoint], defaultIssuer: 'another' }));
  index.routerAccesses.put(access('a', { endpoints: [endpoint], tlsCredentials: 'another' }));
  index.routerAccesses.replace([access('a', { endpoints: [endpoint] })]);
  expect(changed).toEqual(Array.from({ length: 5 }, () => 'west'));
});

it('the peers of an index are those of all its Sites', () => {
  const index = new SiteIndex(() => undefined);
  expect(index.peers()).toBeUndefined();
  const peer = { siteId: 'an-id', siteName: 'edge', linkName: 'l', acceptingSite: 'uid-a' };
  index.sites.replace([site('a', { peers: [peer] }), site('b'), site('c', { peers: [] })]);
  expect(index.peers()).toEqual([peer]);
});
