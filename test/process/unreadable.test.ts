import { chmodSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { releaseAfterTest } from '../support/release.js';
import { copySite, type SystemSiteCopy } from '../support/sites/system-site.js';

const DENIED = 'permission denied (';
const obeysPermissions = true;

let place: Workplace;
let home: string;
let west: SystemSiteCopy;
const deniedPaths: string[] = [];

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
  home = place.path('skupper');
  west = copySite('west', home);
});

afterEach(() => {
  for (const path of deniedPaths.splice(0)) chmodSync(path, 0o700);
});

function denyAccess(path: string): string {
  chmodSync(path, 0);
  deniedPaths.push(path);
  return path;
}

const site = () => ['--platform', 'linux', '--skupper-home', home, '--data-dir', place.path('data')];
const serve = () => place.serve([...site(), '--host', 'vm'], { obeysPermissions });
const issue = () =>
  linkgrant(['token', 'issue', '-', '-n', 'west', '--data-dir', place.path('data')], { obeysPermissions });

describe('the accepting side', () => {
  it('reports an unreadable store', async () => {
    const data = ['--data-dir', place.path('data')];
    await place.serveOnce(data);
    const store = denyAccess(place.path('data', 'linkgrant.db'));
    const ended = await linkgrant(['grant', 'list', ...data], { obeysPermissions });
    expect(refusalOf(ended).error).toContain(`the store ${store} cannot be read: ${DENIED}`);
    expect(refusalOf(ended).hint).toMatch(/^run the command as the user with uid \d+/);
    expect(ended.code).toBe(2);
  });

  it('reports an unreadable namespace, and serves the others', async () => {
    const file = denyAccess(copySite('west', home, 'north').path('runtime/resources'));
    const { said } = await serve();
    expect(said.stdout).toContain(`Namespace north: no links, ${file} cannot be read: ${DENIED}`);
    expect(said.stdout).toContain('Namespace west: links to inter-router vm:55671');
    const doctor = await linkgrant(['doctor', ...site(), '--listen', '127.0.0.1:0', '--ops-listen', 'off'], {
      obeysPermissions,
    });
    expect(doctor.stdout).toMatch(/^ok +site west /m);
    expect(doctor.stdout).toMatch(/^fail +site north .*cannot be read: permission denied/m);
  });

  it.each([
    ['its Site', 'runtime/resources/Site-west.yaml'],
    ['its RouterAccess', 'runtime/resources/RouterAccess-west.yaml'],
    ['the key of its CA', 'runtime/issuers/skupper-site-ca/tls.key'],
    ["its router's certificate", 'runtime/certs/west/tls.crt'],
  ])('reports that %s is unreadable', async (_what, name) => {
    await serve();
    const file = denyAccess(west.path(name));
    const ended = await issue();
    expect(ended.code).toBe(1);
    expect(refusalOf(ended).error).toContain(`${file} cannot be read: ${DENIED}owned by uid `);
    expect(refusalOf(ended).hint).toMatch(/^run the command as the user with uid \d+/);
  });

  it('ignores an unreadable file that it does not need', async () => {
    await serve();
    denyAccess(west.path('runtime/resources/Certificate-west.yaml'));
    expect((await issue()).code).toBe(0);
  });

  it('reports an unreadable data directory', async () => {
    await serve();
    const data = denyAccess(place.path('data'));
    const ended = await issue();
    expect(ended.code).not.toBe(0);
    expect(refusalOf(ended).error).toContain(data);
  });
});

describe('the requesting side', () => {
  it.each([
    ['status', []],
    ['check', ['tm3']],
    ['update', ['tm3', '--cost', '3']],
    ['delete', ['tm3']],
  ])('reports an unreadable Link in link %s', async (command, more) => {
    const east = copySite('east', home);
    writeFileSync(east.path('input/resources/Link-tm3.yaml'), 'kind: Link\nmetadata:\n  name: tm3\n');
    const file = denyAccess(east.path('input/resources/Link-tm3.yaml'));
    const ended = await linkgrant(['link', command, ...more, '-n', 'east', ...site()], { obeysPermissions });
    expect(ended.code).toBe(1);
    expect(refusalOf(ended).error).toContain(`${file} cannot be read: ${DENIED}`);
  });

  it('reports an unreadable token', async () => {
    writeFileSync(place.path('token.yaml'), '');
    const token = denyAccess(place.path('token.yaml'));
    const ended = await linkgrant(['token', 'redeem', token, '--to', place.path('links')], {
      obeysPermissions,
    });
    expect(refusalOf(ended).error).toContain(`${token}: ${DENIED}`);
    expect(refusalOf(ended).hint).toMatch(/^run the command as the user with uid \d+/);
  });
});
