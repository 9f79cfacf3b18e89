import { expect, it } from 'vitest';
import { OidcProvider } from '../../../src/admin/oidc-provider.js';

it('a failed fetch of the metadata is not repeated within five seconds, also after the metadata was discarded', async () => {
  let now = 0;
  let fetches = 0;
  const provider = new OidcProvider({
    issuer: 'https://issuer.example',
    clock: () => now,
    fetch: async () => {
      fetches += 1;
      throw new Error('unreachable');
    },
  });
  await expect(provider.metadata()).rejects.toThrow('unreachable');
  provider.discardMetadata();
  await expect(provider.metadata()).rejects.toThrow('unreachable');
  expect(fetches).toBe(1);
  now = 5_000;
  await expect(provider.metadata()).rejects.toThrow('unreachable');
  expect(fetches).toBe(2);
});
