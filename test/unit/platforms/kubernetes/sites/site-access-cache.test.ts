import { describe, expect, it } from 'vitest';
import { SiteAccessCache } from '../../../../../src/platforms/kubernetes/sites/site-access-cache.js';
import type { SiteAccess, SiteRefusal } from '../../../../../src/redemption/ports/site.js';

type Access = SiteAccess | SiteRefusal;

// The cache uses only whether it is a refusal.
const GRANTED = { endpoints: [] } as unknown as SiteAccess;
const REFUSED: SiteRefusal = {
  refused: 'link_access_unavailable',
  reason: 'there is no endpoint',
  hint: 'wait',
};
const GRANT = { namespace: 'west', name: 'g', issuer: null };

/** A cache whose site grants access until `site.access` is changed, and the namespaces that it reported. */
function openCache() {
  const site = { access: GRANTED as Access, resolved: 0, beforeAnswer: async () => {} };
  const changed: string[] = [];
  const resolveAccess = async () => {
    const { access } = site;
    site.resolved += 1;
    await site.beforeAnswer();
    return access;
  };
  const cache = new SiteAccessCache({ resolveAccess }, (namespace) => changed.push(namespace));
  return { cache, site, changed, runOnce: () => cache.runOnce(new AbortController().signal) };
}

describe('the access to a site', () => {
  it('is the one after a change of the site, also if the periodic check had read its Secrets before', async () => {
    const { cache, site, runOnce } = openCache();
    await cache.accessOf(GRANT);
    site.beforeAnswer = async () => {
      site.beforeAnswer = async () => {};
      site.access = REFUSED;
      cache.siteChanged('west');
      expect(await cache.accessOf(GRANT)).toBe(REFUSED);
    };
    await runOnce();
    expect(await cache.accessOf(GRANT)).toBe(REFUSED);
  });

  it('is resolved again if its site changed twice during the periodic check', async () => {
    const { cache, site, runOnce } = openCache();
    await cache.accessOf(GRANT);
    cache.siteChanged('west');
    site.beforeAnswer = async () => {
      site.beforeAnswer = async () => {};
      site.access = REFUSED;
      cache.siteChanged('west');
    };
    await runOnce();
    expect(await cache.accessOf(GRANT)).toBe(REFUSED);
  });

  it('is resolved again and reported if the periodic check finds a change of its Secrets', async () => {
    const { cache, site, changed, runOnce } = openCache();
    await cache.accessOf(GRANT);
    site.access = REFUSED;
    await runOnce();
    expect(changed).toEqual(['west']);
    expect(await cache.accessOf(GRANT)).toBe(REFUSED);
    expect(site.resolved).toBe(2);
  });

  it('is not checked periodically any more after its last grant was dropped', async () => {
    const { cache, site, runOnce } = openCache();
    await cache.accessOf(GRANT);
    cache.forget('west/g');
    await runOnce();
    expect(site.resolved).toBe(1);
  });

  it('is resolved again after the cache was cleared', async () => {
    const { cache, site } = openCache();
    await cache.accessOf(GRANT);
    site.access = REFUSED;
    cache.clear();
    expect(await cache.accessOf(GRANT)).toBe(REFUSED);
  });
});
