import { describe, expect, it } from 'vitest';
import { type LinkEndpoint, linksToEndpoints } from '../../../src/domain/link.js';

function endpoint(group: string, port: string): LinkEndpoint {
  return { name: 'inter-router', host: 'router.example.com', port, group };
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
