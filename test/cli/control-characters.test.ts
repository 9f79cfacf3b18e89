import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { json, linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { copySite } from '../support/sites/system-site.js';

const place = releaseAfterFile(new Workplace());

const CLEAR = '\u001b[2J';
const OTHER_CONTROLS = '\u009b2J\u202e\u007f';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the tests check that the output has none.
const CONTROL_CHARACTERS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

function linkNamed(name: string, host: string): string {
  const resource = {
    kind: 'Link',
    metadata: { name },
    spec: { tlsCredentials: name, endpoints: [{ name: 'inter-router', host, port: '55671' }] },
  };
  return JSON.stringify(resource).replaceAll('\u007f', '\\u007f').replaceAll('\u009b', '\\u009b');
}

describe('control characters', () => {
  it('link status escapes the control characters of a Link, which add no line', async () => {
    const links = place.path('links');
    mkdirSync(links);
    const [name, host] = [`a${CLEAR}b\nfake  line`, `h${OTHER_CONTROLS}.example.com`];
    writeFileSync(place.path('links/Link-a.yaml'), linkNamed(name, host));
    const status = await linkgrant(['link', 'status', '--dir', links]);
    expect(status.code).toBe(0);
    expect(status.stdout).not.toMatch(CONTROL_CHARACTERS);
    expect(status.stdout).toMatch(/^a\\u001b\[2Jb\\u000afake {2}line +1 +inter-router h\\u009b2J\\u202e/m);
    const report = await linkgrant(['link', 'status', '--dir', links, '-o', 'json']);
    expect(report.stdout).not.toMatch(CONTROL_CHARACTERS);
    expect(json(report).outgoing[0]).toMatchObject({
      name,
      endpoints: [`inter-router ${host}:55671`],
    });
  });

  it('an error escapes the control characters of a name, which add no line', async () => {
    const ended = await linkgrant(['link', 'check', `x${CLEAR}\ny`, '--dir', place.path('links')]);
    expect(ended.stderr).not.toMatch(CONTROL_CHARACTERS);
    expect(refusalOf(ended).error).toContain('"x\\u001b[2J\\u000ay"');
  });

  it("serve and doctor escape the control characters of a site's resources", async () => {
    const west = copySite('west', place.path('skupper'));
    const access = {
      kind: 'RouterAccess',
      metadata: { name: 'a' },
      spec: { roles: [{ name: 'edge', port: CLEAR }] },
    };
    writeFileSync(west.path('runtime/resources/RouterAccess-a.yaml'), JSON.stringify(access));
    const words = ['--platform', 'linux', '--skupper-home', west.home, '--data-dir', place.path('data')];
    const { said } = await place.serve(words);
    expect(said.stdout).toContain('RouterAccess "a" has "\\u001b[2J" as the port of edge');
    expect(said.stdout).not.toMatch(CONTROL_CHARACTERS);
    const doctor = await linkgrant(['doctor', ...words, '--listen', '127.0.0.1:0', '--ops-listen', 'off']);
    expect(doctor.stdout).toContain('RouterAccess "a" has "\\u001b[2J" as the port of edge');
    expect(doctor.stdout + doctor.stderr).not.toMatch(CONTROL_CHARACTERS);
  });
});
