import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { linkgrant, refusalOf } from '../support/command-line.js';
import { directoryForTest } from '../support/release.js';
import { parseUnitFile, wordsOf } from './unit-file.js';

const UNITS = resolve(import.meta.dirname, '../../deploy/systemd');
const SYSTEM = readdirSync(UNITS).filter((name) => name.includes('.'));
const USER = readdirSync(join(UNITS, 'user'));

let place: string;

beforeEach(() => {
  place = directoryForTest();
});

const instanceOf = (name: string) => name.replace('@.', '@east.');

/** Copies units with /bin/true as their program; copies a template also under the name of an instance. */
function copyUnits(directory: string, names: readonly string[]): string[] {
  return names.map((name) => {
    const text = readFileSync(join(directory, name), 'utf8').replace(
      /^ExecStart=\S+/m,
      'ExecStart=/bin/true',
    );
    writeFileSync(join(place, name), text);
    writeFileSync(join(place, instanceOf(name)), text);
    return join(place, instanceOf(name));
  });
}

function serviceOf(name: string) {
  return parseUnitFile(readFileSync(join(UNITS, name), 'utf8')).get('Service');
}

/** The words that follow the program in ExecStart of a service, with the instance name `east`. */
function commandOf(name: string): string[] {
  const [, ...words] = wordsOf(serviceOf(name)?.get('ExecStart')?.[0]?.replaceAll('%i', 'east') ?? '');
  return words;
}

function analyze(...words: string[]) {
  const runtime = join(place, 'run');
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const env = { PATH: process.env.PATH ?? '', HOME: place, XDG_RUNTIME_DIR: runtime };
  return spawnSync('systemd-analyze', words, { encoding: 'utf8', env });
}

describe('the systemd units', () => {
  it.each([...SYSTEM.map((name) => ['', name] as const), ...USER.map((name) => ['user/', name] as const)])(
    '%s%s is valid for systemd-analyze without a warning',
    (directory, name) => {
      copyUnits(join(UNITS, directory), directory === '' ? SYSTEM : USER);
      const manager = directory === '' ? [] : ['--user'];
      const verified = analyze(...manager, 'verify', '--man=no', join(place, instanceOf(name)));
      expect(verified.stderr + verified.stdout).toBe('');
      expect(verified.status).toBe(0);
    },
  );

  const services = [...SYSTEM, ...USER.map((name) => join('user', name))].filter((name) =>
    name.endsWith('.service'),
  );
  it.each(services)('%s disables core dumps, which would contain keys and codes', (name) => {
    expect(readFileSync(join(UNITS, name), 'utf8')).toMatch(/^LimitCORE=0$/m);
  });

  it.each(['linkgrant.service', 'linkgrant-bootstrap@.service', 'linkgrant-renew@.service'])(
    '%s has an exposure of at most 2.0 in systemd-analyze security',
    (name) => {
      const [copy] = copyUnits(UNITS, [name]);
      const judged = analyze('security', '--offline=yes', '--threshold=20', copy as string);
      expect(judged.status, judged.stdout).toBe(0);
    },
  );

  it.each(['linkgrant.service', 'user/linkgrant.service'])(
    '%s runs a valid service command of Type=notify',
    async (name) => {
      const service = serviceOf(name);
      expect(service?.get('Type')).toEqual(['notify']);
      // A child process, systemd-notify, sends the notification.
      expect(service?.get('NotifyAccess')).toEqual(['all']);
      expect(service?.get('ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
      const env = Object.fromEntries(
        (service?.get('Environment') ?? []).map((variable) => variable.split('=', 2) as [string, string]),
      );
      const started = await linkgrant(
        [...commandOf(name), '--data-dir', join(place, 'data'), '--endpoint', 'none'],
        {
          env,
        },
      );
      expect(refusalOf(started).error).toContain('flag --endpoint');
    },
  );

  it.each(['linkgrant-bootstrap@.service', 'user/linkgrant-bootstrap@.service'])(
    '%s runs a valid bootstrap command, and reloads through its reload unit',
    async (name) => {
      const words = commandOf(name);
      expect(words.at(-1)).toMatch(/^systemctl (--user )?start linkgrant-reload@east\.service$/);
      const ended = await linkgrant(
        [...words, '--skupper-home', place, '--data-dir', join(place, 'data'), '--deadline', '100ms'],
        { env: { SKUPPER_PLATFORM: 'linux', LINKGRANT_TOKEN_FILE: join(place, 'token.yaml') } },
      );
      expect(ended.code, ended.stderr).toBe(4);
      expect(ended.stderr).toContain(`${join(place, 'token.yaml')} does not exist\n`);
      expect(serviceOf(name)?.get('RestartPreventExitStatus')).toEqual(['2 3']);
    },
  );

  it.each(['', 'user/'])(
    '%slinkgrant-bootstrap@.service requests certificates that its timer renews',
    (directory) => {
      const read = (name: string) => parseUnitFile(readFileSync(join(UNITS, directory, name), 'utf8'));
      const bootstrap = read('linkgrant-bootstrap@.service');
      expect(bootstrap.get('Service')?.get('ExecStart')?.[0]).toContain(' bootstrap --renew ');
      expect(bootstrap.get('Unit')?.get('Wants')).toContain('linkgrant-renew@%i.timer');
      expect(read('linkgrant-renew@.timer').get('Timer')?.get('RandomizedDelaySec')).toEqual(['6h']);
    },
  );

  it.each(['linkgrant-renew@.service', 'user/linkgrant-renew@.service'])(
    '%s runs a valid renewal command, and reloads through its reload unit',
    async (name) => {
      const words = commandOf(name);
      expect(words.at(-1)).toMatch(/^systemctl (--user )?start linkgrant-reload@east\.service$/);
      const ended = await linkgrant([...words, '--skupper-home', place, '--data-dir', join(place, 'data')], {
        env: { SKUPPER_PLATFORM: 'linux' },
      });
      expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'There are no links.\n' });
    },
  );
});
