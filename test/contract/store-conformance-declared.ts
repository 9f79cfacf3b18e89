import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import { NOW, sampleRedemption, storedGrant } from '../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

/** The field of a grant that only the SQL stores have: the file that declares it. */
export function declaredConformance(current: CurrentStore): void {
  describe('grants that files declare', () => {
    it('returns the file and the site of a grant, by uid and by name', async () => {
      const { store } = current();
      const grant = await storedGrant(store, {
        namespace: 'west',
        name: 'full',
        sourceFile: 'AccessGrant-full.yaml',
      });
      expect(await store.findGrant(grant.uid)).toEqual(grant);
      expect(await store.findGrantByName('west', 'full')).toEqual(grant);
    });

    it('changes the file that declares a grant, and nothing else', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { sourceFile: 'AccessGrant-a.yaml' });
      await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      const moved = { sourceFile: 'AccessGrant-b.yaml' };
      expect(await store.updateGrant(grant.uid, moved)).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, ...moved, redemptions: 1 });
      expect(await store.updateGrant(grant.uid, { sourceFile: null })).toBe(true);
      expect((await store.findGrant(grant.uid))?.sourceFile).toBeNull();
    });

    it('lists the declared grants in pages, and no others', async () => {
      const { store } = current();
      const declared = ['one/b', 'two/a', 'two/c', 'two/d'];
      for (const key of [...declared, 'one/a', 'two/b', 'two/e']) {
        const [namespace, name] = key.split('/') as [string, string];
        const sourceFile = declared.includes(key) ? `AccessGrant-${name}.yaml` : null;
        await storedGrant(store, { namespace, name, sourceFile });
      }
      const key = ({ namespace, name }: AccessGrant) => `${namespace}/${name}`;
      const first = await store.listDeclaredGrants({ limit: 2 });
      expect(first.items.map(key)).toEqual(declared.slice(0, 2));
      const second = await store.listDeclaredGrants({ limit: 2, after: first.next as string });
      expect(second.items.map(key)).toEqual(declared.slice(2));
      expect(second.next).toBeUndefined();
    });
  });
}
