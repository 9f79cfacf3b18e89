import {
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectSuccess, linkgrant } from '../../support/command-line.js';
import { directoryForTest } from '../../support/release.js';

// A user without privileges.
const OTHER = 65_534;
const INDENT = '      ';

function directoryOfOther(path = directoryForTest()): string {
  mkdirSync(path, { recursive: true });
  chownSync(path, OTHER, OTHER);
  return path;
}

/** A link of the other user, in a directory where everyone may create files. */
function linkOfOther(target: string): string {
  const link = join(directoryForTest(), 'link');
  symlinkSync(target, link);
  lchownSync(link, OTHER, OTHER);
  return link;
}

const content = (directory: string) => readdirSync(directory, { recursive: true });

// Only root can run a command in a directory that it cannot trust.
describe.runIf(process.getuid?.() === 0)('root', () => {
  it('does not read the configuration file of another user, which may name a program to run', async () => {
    const [directory, evidence] = [directoryOfOther(), join(directoryForTest(), 'ran')];
    const kubeconfig = join(directory, 'kubeconfig');
    writeFileSync(join(directory, 'config.yaml'), `platform: kubernetes\nkubeconfig: ${kubeconfig}\n`);
    writeFileSync(
      kubeconfig,
      [
        'apiVersion: v1',
        'kind: Config',
        'clusters: [{ name: c, cluster: { server: "https://127.0.0.1:1" } }]',
        'contexts: [{ name: c, context: { cluster: c, user: u } }]',
        'current-context: c',
        'users:',
        '  - name: u',
        '    user:',
        `${INDENT}exec: { apiVersion: client.authentication.k8s.io/v1, command: touch, args: ["${evidence}"], interactiveMode: Never }`,
      ].join('\n'),
    );
    for (const command of [['redemption', 'list'], ['grant', 'list'], ['doctor']]) {
      const ended = await linkgrant([...command, '--data-dir', directory]);
      expect.soft(existsSync(evidence), command.join(' ')).toBe(false);
      expect.soft(ended.code, command.join(' ')).toBe(2);
    }
  });

  it.each<[string, () => string]>([
    ['that belongs to another user', directoryOfOther],
    ['in a directory of another user, if it does not exist', () => join(directoryOfOther(), 'data')],
    [
      'in a directory of another user, if it belongs to root',
      () => {
        const directory = join(directoryOfOther(), 'data');
        mkdirSync(directory);
        return directory;
      },
    ],
    ['to which another user made the link', () => linkOfOther(directoryForTest())],
    [
      'that a link of root leads to',
      () => {
        const link = join(directoryForTest(), 'link');
        symlinkSync(directoryOfOther(), link);
        return link;
      },
    ],
    [
      'to which a link of root leads through a link of another user',
      () => {
        const link = join(directoryForTest(), 'link');
        symlinkSync(linkOfOther(directoryForTest()), link);
        return link;
      },
    ],
  ])('refuses a data directory %s, and prints the command to use', async (_, make) => {
    const directory = make();
    const refusal = {
      error: expect.stringContaining('belongs to another user'),
      hint: `use a directory that belongs to root, or run the command as this user: setpriv --reuid=${OTHER} --regid=${OTHER} --clear-groups linkgrant …`,
    };
    for (const command of [
      ['grant', 'create', 'east'],
      ['issuer', 'create', 'x'],
      ['issuer', 'activate', 'x'],
      ['store', 'backup', join(directoryForTest(), 'backup')],
      ['store', 'restore', join(directoryForTest(), 'backup'), '--keep'],
      ['link', 'renew', '--all', '--dir', directoryForTest()],
      ['serve', '--endpoint', 'inter-router=vm:55671'],
      ['health'],
    ])
      expect
        .soft(expectRefusal(await linkgrant([...command, '--data-dir', directory]), 2), command.join(' '))
        .toEqual(refusal);
    if (existsSync(directory)) expect(content(directory)).toEqual([]);
  });

  it.each<[string, (other: string) => string[]]>([
    ['of an SQLite store', (other) => ['grant', 'create', 'east', '--store', `sqlite:${other}/store.db`]],
    ['of a copied store', (other) => ['store', 'copy', `sqlite:${other}/store.db`, 'sqlite:copy.db']],
    [
      'of a router certificate',
      (other) => ['issuer', 'server-certificate', '--host', 'router', '--to', join(other, 'tls')],
    ],
    ['of a backup', (other) => ['store', 'backup', join(other, 'backup')]],
    ['of links', (other) => ['link', 'renew', '--all', '--dir', other]],
    ['for a link', (other) => ['token', 'redeem', 'token.yaml', '--to', join(other, 'links')]],
    ['of Skupper', (other) => ['token', 'redeem', 'token.yaml', '-p', 'podman', '--skupper-home', other]],
  ])('refuses the directory %s of another user', async (_, words) => {
    const [other, data] = [directoryOfOther(), directoryForTest()];
    expectSuccess(await linkgrant(['issuer', 'create', 'x', '--data-dir', data]));
    const ended = await linkgrant([...words(other), '--data-dir', data]);
    expect(expectRefusal(ended, 2).error).toBe(
      `${other} belongs to another user, who could make this command change or reveal files of root`,
    );
    expect(content(other)).toEqual([]);
  });

  it('uses a directory of its own in a shared one', async () => {
    const shared = directoryForTest();
    const data = join(shared, 'data');
    expectSuccess(await linkgrant(['issuer', 'create', 'x', '--data-dir', data]));
    expect(existsSync(join(data, 'issuers/x/tls.key'))).toBe(true);
  });
});
