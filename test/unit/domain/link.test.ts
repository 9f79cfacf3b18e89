import { describe, expect, it } from 'vitest';
import { type LinkEndpoint, type LinkRole, linksToEndpoints, usedRole } from '../../../src/domain/link.js';

function endpoint(group: string, port: string, name: LinkRole = 'inter-router'): LinkEndpoint {
  return { name, host: 'router.example.com', port, group };
}

describe('the Links to endpoints', () => {
  it('are empty without endpoints', () => {
    expect(linksToEndpoints('west', [])).toEqual([]);
  });

  it('are one Link with the requested name for one group, with its endpoints in order', () => {
    const endpoints = [endpoint('g', '3'), endpoint('g', '1'), endpoint('g', '2')];
    expect(linksToEndpoints('west', endpoints)).toEqual([
      { name: 'west', tlsCredentials: 'west', endpoints },
    ]);
  });

  it('are numbered in the order of the groups, whatever the order of the endpoints', () => {
    const [a, b, c, b2] = [endpoint('a', '1'), endpoint('b', '2'), endpoint('c', '3'), endpoint('b', '4')];
    expect(linksToEndpoints('west', [c, b, a, b2])).toEqual([
      { name: 'west-1', tlsCredentials: 'west', endpoints: [a] },
      { name: 'west-2', tlsCredentials: 'west', endpoints: [b, b2] },
      { name: 'west-3', tlsCredentials: 'west', endpoints: [c] },
    ]);
  });

  it('have the inter-network endpoints of a group in a separate Link, after the Link to its other endpoints', () => {
    const [a, aEdge, b] = [endpoint('a', '1'), endpoint('a', '2', 'edge'), endpoint('a-1', '3')];
    const between = endpoint('a', '4', 'inter-network');
    expect(linksToEndpoints('west', [between, b, a, aEdge])).toEqual([
      { name: 'west-1', tlsCredentials: 'west', endpoints: [a, aEdge] },
      { name: 'west-2', tlsCredentials: 'west', endpoints: [between] },
      { name: 'west-3', tlsCredentials: 'west', endpoints: [b] },
    ]);
  });

  it('are ordered by code units, as in Go', () => {
    const names = linksToEndpoints('west', [endpoint('b', '1'), endpoint('B', '2'), endpoint('a-1', '3')]);
    expect(names.map(({ endpoints }) => endpoints[0]?.group)).toEqual(['B', 'a-1', 'b']);
  });

  it('support any group name, even that of an Object.prototype member', () => {
    const groups = ['constructor', '__proto__', ''];
    const links = linksToEndpoints(
      'west',
      groups.map((group) => endpoint(group, '1')),
    );
    expect(links.map(({ endpoints }) => endpoints[0]?.group)).toEqual(['', '__proto__', 'constructor']);
  });
});

describe('the endpoint that a router connects to', () => {
  const all = ['inter-router', 'edge', 'inter-network'] as const;

  it('has the role inter-network if the Link has such an endpoint, for every site', () => {
    const link = { endpoints: all.map((role) => endpoint('a', '1', role)) };
    expect([usedRole(link, true), usedRole(link, false)]).toEqual(['inter-network', 'inter-network']);
  });

  it('has the role edge for an edge site, else inter-router', () => {
    const link = { endpoints: [endpoint('a', '1'), endpoint('a', '2', 'edge')] };
    expect([usedRole(link, true), usedRole(link, false)]).toEqual(['edge', 'inter-router']);
  });
});
