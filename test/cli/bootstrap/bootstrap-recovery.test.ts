import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { run } from '../../chaos/commands.js';
import { expectSuccess } from '../../support/command-line.js';
import { placeLink } from '../../support/links/link-samples.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS } from '../../support/server-identity.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';
import { copySite, modeOf } from '../../support/sites/system-site.js';
import { BootstrapPlace, serialIn, siteFlags } from './bootstrap-place.js';

const at = new BootstrapPlace();

describe('bootstrap that is killed at a checkpoint', () => {
  it.each(['proxy-secret-written', 'bootstrap-recorded', 'before-reload', 'after-reload', 'link-confirmed'])(
    'leaves only private files at %s, and succeeds in the next run with one use',
    async (killedAt) => {
      const home = at.path('skupper');
      const east = copySite('east', home);
      const proxy = releaseAfterTest(await startProxy());
      await at.serve();
      const token = await at.issue(at.path('token.yaml'));
      const words = [
        ...['--token', token, ...siteFlags(home), '--proxy-secret', at.writeProxySecret(proxy.port)],
        ...['--reload-command', `echo reload >> '${at.path('reloads')}'`],
      ];
      const killed = await run(at.bootstrapWords(words), { killedAt });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const entries = readdirSync(at.path('requesting'), { recursive: true, withFileTypes: true });
      const modes = entries.map((entry) => [entry.isDirectory(), modeOf(join(entry.parentPath, entry.name))]);
      expect(modes.filter(([isDirectory, mode]) => mode !== (isDirectory ? 0o700 : 0o600))).toEqual([]);
      expect(modeOf(at.path('requesting'))).toBe(0o700);
      expectSuccess(await at.bootstrap(words));
      expect(east.inputNames()).toEqual(
        expect.arrayContaining(['Link-west.yaml', 'Secret-west.yaml', 'Secret-egress.yaml']),
      );
      const reloads = readFileSync(at.path('reloads'), 'utf8').split('\n').filter(Boolean);
      expect(reloads).toHaveLength(killedAt === 'after-reload' ? 2 : 1);
      expect(await at.redemptions()).toHaveLength(1);
    },
  );
});

describe('bootstrap of a link whose certificate has expired', () => {
  const words = () => ['--token', at.path('token.yaml'), ...at.toLinks()];

  it('replaces the certificate with that of a new token, also if the first run is killed', async () => {
    const expired = { issuedAt: Date.now() - 20 * DAY_MS, lifetimeMs: 10 * DAY_MS };
    await placeLink(at.path('links'), { name: 'west', host: 'vm', ...expired });
    const expiredSerial = serialIn(at.path('links'));
    await at.serve();
    await at.issue(at.path('token.yaml'));
    const killed = await run(at.bootstrapWords(words()), { killedAt: 'secret-written' });
    expect(killed.signal).toBe('SIGKILL');
    expect(expectSuccess(await at.bootstrap(words())).stdout).toMatch(/^Linked: west,/);
    expect(serialIn(at.path('links'))).not.toBe(expiredSerial);
    const [recorded] = await at.redemptions();
    const link = parse(readFileSync(at.path('links', 'Link-west.yaml'), 'utf8'));
    expect(link.metadata.annotations['linkgrant.dev/redemption-id']).toBe(recorded?.id);
    expect(at.router.peers).toEqual(['west']);
  });

  it.each(['a token file', 'a token in the input directory'])(
    'redeems %s although the service of another expired link is gone',
    async (source) => {
      const east = copySite('east', at.path('skupper'));
      const input = east.path('input/resources');
      const issuedAt = Date.now() - 20 * DAY_MS;
      await placeLink(input, {
        ...{ name: 'old', host: 'vm', issuedAt, lifetimeMs: 10 * DAY_MS },
        annotations: ({ caCrt }) => ({
          'linkgrant.dev/renewal-url': 'https://127.0.0.1:1/-/renew',
          'linkgrant.dev/server-ca': caCrt,
        }),
      });
      await at.serve();
      const flags = [
        ...siteFlags(at.path('skupper')),
        '--reload-command',
        ':',
        '--deadline',
        '1m',
        '--renew',
      ];
      const isFile = source === 'a token file';
      const token = await at.issue(isFile ? at.path('token.yaml') : join(input, 'AccessToken-west.yaml'));
      const ended = await at.bootstrap([...flags, ...(isFile ? ['--token', token] : [])]);
      expect(expectSuccess(ended).stdout).toMatch(/^Linked: west,/m);
      expect(await at.redemptions()).toHaveLength(1);
    },
  );
});
