import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Ended, linkgrant } from '../support/command-line.js';
import { directoryForTest } from '../support/release.js';
import { parseUnitFile, wordsOf } from './unit-file.js';

const DEPLOY = resolve(import.meta.dirname, '../../deploy');
const read = (name: string) => readFileSync(join(DEPLOY, name), 'utf8');
// The keys of podman-systemd.unit(5) that the quadlet may have.
const QUADLET_KEYS = [
  'Image',
  'Exec',
  'User',
  'Volume',
  'Environment',
  'Secret',
  'Network',
  'ReadOnly',
  'DropCapability',
  'NoNewPrivileges',
];

let place: string;

beforeEach(() => {
  place = directoryForTest();
});

/** Runs the command of a deployment without its token, for which it waits until a short deadline. */
function runShort(words: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return linkgrant([...words, '--deadline', '100ms', '--data-dir', join(place, 'data')], { env });
}

describe('the cloud-config', () => {
  const cloudInit = parse(read('bootstrap/cloud-init.yaml'));

  it('writes a private token and a site, then starts the unit of systemd', () => {
    expect(read('bootstrap/cloud-init.yaml').startsWith('#cloud-config\n')).toBe(true);
    const [token, site] = cloudInit.write_files;
    expect(token).toMatchObject({ path: '/etc/linkgrant/east/token.yaml', permissions: '0600' });
    expect(token.content).toBe('THE-JOIN-LINE\n');
    expect(parse(site.content)).toMatchObject({
      kind: 'Site',
      metadata: { name: 'east', namespace: 'east' },
    });
    expect(cloudInit.runcmd.at(-1)).toEqual([
      'systemctl',
      'enable',
      '--now',
      'linkgrant-bootstrap@east.service',
    ]);
  });

  it('writes the token where the unit reads it', () => {
    const unit = parseUnitFile(read('systemd/linkgrant-bootstrap@.service')).get('Service');
    const variable = unit?.get('Environment')?.find((value) => value.startsWith('LINKGRANT_TOKEN_FILE='));
    expect(variable?.replace('%i', 'east')).toBe(`LINKGRANT_TOKEN_FILE=${cloudInit.write_files[0].path}`);
  });
});

describe('the Podman quadlet', () => {
  const sections = parseUnitFile(read('bootstrap/linkgrant-bootstrap.container'));
  const container = sections.get('Container') ?? new Map<string, string[]>();

  it('has the sections and keys of a quadlet', () => {
    expect([...sections.keys()]).toEqual(['Unit', 'Container', 'Service', 'Install']);
    expect([...container.keys()].filter((key) => !QUADLET_KEYS.includes(key))).toEqual([]);
  });

  it('runs a valid bootstrap command, which requests a reload at the path that the path unit watches', async () => {
    const words = wordsOf(container.get('Exec')?.[0] ?? '');
    const ended = await runShort(words, { LINKGRANT_TOKEN_FILE: join(place, 'token.yaml') });
    expect(ended.code, ended.stderr).toBe(4);
    expect(ended.stderr).toContain(`${join(place, 'token.yaml')} does not exist\n`);
    const reloadFile = /> \/output(\S+)$/.exec(words.at(-1) ?? '')?.[1];
    const watched = parseUnitFile(read('systemd/user/linkgrant-reload@.path'))
      .get('Path')
      ?.get('PathChanged')?.[0];
    expect(watched?.replace('%i', 'east')).toBe(`%h/.local/share/skupper${reloadFile}`);
    expect(container.get('Volume')?.[0]).toBe('%h/.local/share/skupper:/output:z');
  });
});

describe('deploy/bootstrap/README.md', () => {
  const lines = [...read('bootstrap/README.md').matchAll(/```sh\n([^\n]+)\n```/g)].map(
    ([, line]) => line ?? '',
  );

  it('shows a podman command with a valid bootstrap command', async () => {
    const [, inContainer = ''] =
      /localhost\/linkgrant:latest (.+) && skupper system reload/.exec(lines[0] ?? '') ?? [];
    const ended = await runShort(wordsOf(inContainer));
    expect(ended.code, ended.stderr).toBe(4);
    expect(ended.stderr).toContain('/run/secrets/token.yaml does not exist\n');
  });

  it('shows how to redeem the tokens of an input directory', async () => {
    const [, ...words] = wordsOf(lines[1] ?? '');
    const ended = await linkgrant([...words, '--skupper-home', place, '--data-dir', join(place, 'data')]);
    expect(ended).toMatchObject({ code: 0, stdout: 'The input directory contains no AccessToken.\n' });
  });
});
