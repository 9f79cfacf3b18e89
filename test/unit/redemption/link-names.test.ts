import { describe, expect, it } from 'vitest';
import { linksNamed, type StoredLink } from '../../../src/redemption/ports/link-files.js';

function stored(name: string, tlsCredentials: string): StoredLink {
  return { name, tlsCredentials, endpoints: [], place: `Link-${name}.yaml` };
}

describe('the links that a name means', () => {
  const links = [stored('west', 'shared'), stored('east-1', 'east'), stored('east-2', 'east')];

  it('are the one that is called so, whatever Secret others have', () => {
    expect(linksNamed([...links, stored('shared', 'other')], 'shared').map(({ name }) => name)).toEqual([
      'shared',
    ]);
  });

  it('are all links of one redemption when none is called so', () => {
    expect(linksNamed(links, 'east').map(({ name }) => name)).toEqual(['east-1', 'east-2']);
  });

  it('are none for a name that nothing has', () => {
    expect(linksNamed(links, 'north')).toEqual([]);
  });
});
