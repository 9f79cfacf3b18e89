import { describe, expect, it } from 'vitest';
import { linksNamed, type StoredLink } from '../../../src/redemption/ports/link-files.js';

function stored(name: string, tlsCredentials: string): StoredLink {
  return { name, tlsCredentials, endpoints: [], place: `Link-${name}.yaml` };
}

describe('the links for a name', () => {
  const links = [stored('west', 'shared'), stored('east-1', 'east'), stored('east-2', 'east')];

  it('are the Link with that name, whatever Secret others have', () => {
    expect(linksNamed([...links, stored('shared', 'other')], 'shared').map(({ name }) => name)).toEqual([
      'shared',
    ]);
  });

  it('are all Links of one redemption if none has that name', () => {
    expect(linksNamed(links, 'east').map(({ name }) => name)).toEqual(['east-1', 'east-2']);
  });

  it('are empty for an unknown name', () => {
    expect(linksNamed(links, 'north')).toEqual([]);
  });
});
