import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectSuccess, json, linkgrant, Workplace } from '../../support/command-line.js';
import { startRouterListener } from '../../support/links/router-listener.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { makeSiteAuthority } from '../../support/sites/kubernetes-site.js';
import { copySite, modeOf } from '../../support/sites/system-site.js';

const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');
// The default Skupper home of a user other than root.
const home = place.path('home', '.local', 'share', 'skupper');
const system = ['--platform', 'linux', '--skupper-home', home];

copySite('west', home, 'plain');
copySite('west', home, 'not-started').delete('runtime');
const joiningSite = copySite('east', home, 'joining');
const twoAccesses = copySite('west', home, 'two-accesses');
const access = twoAccesses.read('runtime/resources/RouterAccess-west.yaml');
twoAccesses.write(
  'runtime/resources/RouterAccess-another.yaml',
  access.replace('name: west\n', 'name: another\n'),
);
const ownIssuer = copySite('west', home, 'own-issuer');
const mine = await makeSiteAuthority('my CA', Date.now());
ownIssuer.addIssuer('input', 'my-ca', mine);
const trusted = 'runtime/certs/west/ca.crt';
ownIssuer.write(trusted, ownIssuer.read(trusted) + mine.certificate);
const service = await place.serve([...system, '--data-dir', dataDir, '--host', '127.0.0.1', '--host', 'vm']);

const accepting = (...words: readonly string[]) => linkgrant([...words, '--data-dir', dataDir]);

const joining = (...words: readonly string[]) =>
  linkgrant([...words, ...system, '-n', 'joining', '--data-dir', place.path('requesting')]);

describe('a link between two namespaces of one host', () => {
  it.each([
    ['plain', [], ['plain']],
    ['two-accesses', [], ['two-accesses-1', 'two-accesses-2']],
    ['own-issuer', ['--issuer', 'my-ca'], ['own-issuer']],
  ])(
    'the router of namespace %s accepts the link, and presents its own certificate',
    async (namespace, words, links) => {
      const token = place.path(`${namespace}.yaml`);
      expectSuccess(await accepting('token', 'issue', token, '-n', namespace, '--name', namespace, ...words));
      expectSuccess(await joining('token', 'redeem', token));
      const router = releaseAfterTest(
        await startRouterListener(0, join(home, 'namespaces', namespace, 'runtime/certs/west')),
      );
      const routes = [55671, 45671].flatMap((port) => [
        '--connect-to',
        `vm:${port}:127.0.0.1:${router.port}`,
      ]);
      for (const link of links) {
        expect(modeOf(joiningSite.path(`input/resources/Link-${link}.yaml`))).toBe(0o600);
        const checked = expectSuccess(await joining('link', 'check', link, ...routes));
        expect(checked.stdout.match(/^ok /gm)).toHaveLength(2);
      }
      const uid = /uid: (\S+)/.exec(joiningSite.read('runtime/resources/Site-east.yaml'))?.[1];
      expect(router.peers).toEqual(Array(2 * links.length).fill(uid));
    },
  );

  it('token issue refuses a namespace whose site is not started, and leaves no grant', async () => {
    const issued = await accepting('token', 'issue', place.path('none.yaml'), '-n', 'not-started');
    const { error, hint } = expectRefusal(issued, 1);
    expect(error).toContain('is not started');
    expect(hint).toContain('skupper system start -n not-started -p linux');
    expect(service.said.stdout).toContain('Namespace not-started: no links, ');
    expect(json(await accepting('grant', 'list', '-n', 'not-started', '-o', 'json'))).toEqual([]);
  });
});

describe('the last line of serve if no site accepts links', () => {
  /** Runs `serve` with copies of these recorded sites. Returns the lines that it prints. */
  async function printedLines(sites: readonly ('west' | 'east')[], ...words: readonly string[]) {
    const directory = place.path(`home-${sites.join('-') || 'empty'}`);
    mkdirSync(join(directory, 'namespaces', 'without-site'), { recursive: true });
    for (const site of sites) copySite(site, directory);
    const flags = ['--platform', 'linux', '--skupper-home', directory, '--data-dir', `${directory}-data`];
    const serving = await place.serveOnce([...flags, ...words]);
    return serving.said.stdout.trimEnd().split('\n');
  }

  it('serve refers to the line of the site whose certificate does not name --host', async () => {
    const lines = await printedLines(['east', 'west'], '--host', 'grants.example.com');
    expect(lines.find((line) => line.startsWith('Namespace west: '))).toMatch(
      /^Namespace west: no links, .* does not name "grants\.example\.com" .* restart `linkgrant serve` with --host /,
    );
    expect(lines.at(-1)).toMatch(
      /^Next: do what the line of namespace west says, then linkgrant token issue token\.yaml --namespace west --data-dir \S+ --platform linux$/,
    );
    expect(lines.join('\n')).not.toContain('skupper site create');
  });

  it('serve advises to create a site only if there is none', async () => {
    expect((await printedLines([])).slice(-2)).toEqual([
      expect.stringMatching(/^There is no site in \S+\/namespaces$/),
      'Next: create a site that accepts links, with `skupper site create NAME --enable-link-access -p linux`',
    ]);
  });
});
