import { renameSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { ENDPOINT, expectRefusal, linkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterTest } from '../../support/release.js';
import { serveTcp } from '../../support/servers/hostile-server.js';
import { until } from '../../support/until.js';

let work: Workplace;

beforeEach(() => {
  work = releaseAfterTest(new Workplace());
});

const serve = (...words: string[]) =>
  work.serve(['--data-dir', work.path('data'), '--ops-listen', '127.0.0.1:0', ...ENDPOINT, ...words]);
const health = (port: number, ...words: string[]) =>
  linkgrant(['health', '--ops-listen', `:${port}`, ...words, '--data-dir', work.path('data')]);

describe('linkgrant health', () => {
  it.each([{ words: [] }, { words: ['--workers', '2'] }])(
    'exits with 0 while a service answers ($words)',
    async ({ words }) => {
      const { opsPort } = await serve(...words);
      expect(await health(opsPort)).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
      // The service announces itself when its first worker serves.
      await until(async () => (await health(opsPort, '--ready')).code === 0);
      expect(await health(opsPort, '--ready')).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
    },
  );

  it('reports the part that is not ready, while the process is healthy', async () => {
    const { opsPort } = await serve();
    renameSync(work.path('data', 'linkgrant.db'), work.path('away'));
    const ended = await health(opsPort, '--ready');
    expect(expectRefusal(ended, 1).error).toMatch(/^the service is not ready: store \(.+\)$/);
    expect((await health(opsPort)).code).toBe(0);
  });

  it('exits with 1 without a listener, and without a response', async () => {
    const { port, close } = await serveTcp(() => undefined);
    expect(expectRefusal(await health(port), 1).error).toContain('no response within 5 seconds');
    await close();
    expect(expectRefusal(await health(port), 1)).toEqual({
      error: `no service answers at 127.0.0.1 port ${port} (ECONNREFUSED)`,
      hint: 'start the service, or set --ops-listen to its address',
    });
  });

  it('reports that --ops-listen is off', async () => {
    const ended = await linkgrant(['health', '--data-dir', work.path('data')], {
      env: { LINKGRANT_OPS_LISTEN: 'off' },
    });
    expect(expectRefusal(ended, 2).error).toBe('health needs --ops-listen, which is off');
  });
});
