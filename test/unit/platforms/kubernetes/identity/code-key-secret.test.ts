import { describe, expect, it, vi } from 'vitest';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import type { Resource, Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { CodeKeySecret } from '../../../../../src/platforms/kubernetes/identity/code-key-secret.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

/** Opens CodeKeySecrets on one Secret in memory, and counts its reads. */
function keysInSecret() {
  let secret: Stored<Resource> | undefined;
  const state = { reads: 0 };
  const store = async (_kind: unknown, resource: Resource) => {
    secret = resource as Stored<Resource>;
    return secret;
  };
  const client = {
    find: async () => {
      state.reads += 1;
      return secret;
    },
    create: store,
    replace: store,
  } as unknown as Pick<KubernetesClient, 'find' | 'create' | 'replace'>;
  const open = () => new CodeKeySecret({ client, namespace: 'linkgrant', clock: () => 0, mayCreate: true });
  return { state, open };
}

fakeTimers('setTimeout', 'clearTimeout', 'performance');

describe('the lookup of the key of a signed code', () => {
  it('reads the Secret at most four times a second, however many codes have unknown keys, and not for a known key', async () => {
    const { state, open } = keysInSecret();
    const keys = open();
    const currentKey = await keys.current();
    await vi.advanceTimersByTimeAsync(1_000);
    const before = state.reads;
    const found: unknown[] = [];
    const findUnknownKeys = async (number: number) => {
      for (let request = 0; request < 20; request += 1)
        found.push(await keys.find(`unknown-${number}-${request}`));
    };
    const lookups = Array.from({ length: 10 }, (_, number) => findUnknownKeys(number));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(state.reads - before).toBeLessThanOrEqual(5);
    expect(await keys.find(currentKey.kid)).toMatchObject({ kid: currentKey.kid });
    await vi.advanceTimersByTimeAsync(10_000);
    await Promise.all(lookups);
    expect(found).toEqual(Array(200).fill(undefined));
    const reads = state.reads;
    expect(await keys.find(currentKey.kid)).toMatchObject({ kid: currentKey.kid });
    expect(state.reads).toBe(reads);
  });

  it('finds a key that another process has just created, also while codes have unknown keys', async () => {
    const { open } = keysInSecret();
    const [here, elsewhere] = [open(), open()];
    await here.current();
    await vi.advanceTimersByTimeAsync(1_000);
    await here.find('unknown');
    const newKey = await elsewhere.rotate();
    const found = here.find(newKey.kid);
    await vi.advanceTimersByTimeAsync(250);
    expect(await found).toMatchObject({ kid: newKey.kid });
  });

  it('does not delay the first code with a new key', async () => {
    const { open } = keysInSecret();
    const [here, elsewhere] = [open(), open()];
    await here.current();
    await vi.advanceTimersByTimeAsync(1_000);
    const newKey = await elsewhere.rotate();
    expect(await here.find(newKey.kid)).toMatchObject({ kid: newKey.kid });
  });
});
