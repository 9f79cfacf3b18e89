import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openLinkTarget, type StoredLinkTarget } from '../../../../src/cli/link/link-target.js';
import { watchLinks } from '../../../../src/cli/link/watch-links.js';
import { fakeTimers } from '../../../support/fake-timers.js';
import { linkTo, makeLinkSecret } from '../../../support/links/link-samples.js';
import { directoryForTest, releaseAfterTest } from '../../../support/release.js';
import { DAY_MS, makeAuthority } from '../../../support/server-identity.js';

fakeTimers('performance');

it('repeats a failed reload with pauses that grow up to an hour', async () => {
  const directory = directoryForTest();
  const [to, reloads] = [join(directory, 'links'), join(directory, 'reloads')];
  const reloadCommand = `echo reload >> '${reloads}'; false`;
  const flags = { to, reloadCommand, dataDir: join(directory, 'data'), platform: 'standalone' };
  const target = (await openLinkTarget(flags, { storesRecords: true })) as StoredLinkTarget;
  const secret = await makeLinkSecret(await makeAuthority('Site CA'), { lifetimeMs: 365 * DAY_MS });
  const annotations = {
    'linkgrant.dev/renewal-url': 'https://a/-/renew',
    'linkgrant.dev/server-ca': secret.caCrt,
  };
  const renewable = { ...secret, annotations: { ...secret.annotations, ...annotations } };
  await target.materializer.materialize(renewable, [linkTo('127.0.0.1', 55671)], () => undefined);

  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  releaseAfterTest({ stop: () => stderr.mockRestore() });
  const startedAt = performance.now();
  await watchLinks(target, async (ms) => {
    vi.advanceTimersByTime(ms);
    if (performance.now() - startedAt > DAY_MS / 2) rmSync(join(to, 'Link-to-west.yaml'));
  });
  const count = readFileSync(reloads, 'utf8').split('\n').length - 1;
  // At least six pauses until the longest one, then one every 30 to 60 minutes.
  expect(count).toBeGreaterThan(12);
  expect(count).toBeLessThan(35);
});
