import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';

const work = releaseAfterFile(new Workplace());
const data = work.path('data');
mkdirSync(data, { mode: 0o700 });
const [none, configFile] = [work.path('none.yaml'), `${data}/config.yaml`];
writeFileSync(none, '');
const onData = ['--data-dir', data, '--config', none];
await (await work.serve([...onData, ...ENDPOINT])).stop();

/** Returns the file of a backup whose config.yaml has these lines. The data directory then has one more entry in its ledger. */
async function backupWithSettings(name: string, ...lines: readonly string[]): Promise<string> {
  const file = work.path(`${name}.gz`);
  writeFileSync(configFile, lines.join('\n'), { mode: 0o600 });
  expectSuccess(await linkgrant(['store', 'backup', file, ...onData]));
  expectSuccess(await linkgrant(['grant', 'create', name, ...onData]));
  return file;
}

const restore = (file: string, directory: string, ...words: readonly string[]) =>
  linkgrant(['store', 'restore', file, '--data-dir', directory, ...words]);

describe('the settings that store restore restores', () => {
  it('are printed if they name files or hosts', async () => {
    const crafted = await backupWithSettings(
      'named',
      'webhook: [https://receiver.example/a]',
      'tlsCert: /etc/x',
      'workers: 2',
    );
    const { stdout } = expectSuccess(await restore(crafted, work.path('named'), '--keep'));
    expect(stdout).toContain('  webhook: ["https://receiver.example/…"]\n  tlsCert: "/etc/x"\n');
    expect(stdout).not.toContain('workers');
    const report = json(
      expectSuccess(await restore(crafted, work.path('named-json'), '--keep', '-o', 'json')),
    );
    expect(report.named).toEqual({ webhook: ['https://receiver.example/…'], tlsCert: '/etc/x' });
  });

  it('are printed also if the restored store lacks entries that this host has recorded', async () => {
    const directory = work.path('named-behind');
    const crafted = await backupWithSettings('behind', 'issuerCert: /etc/x');
    cpSync(`${data}/ledger-seen`, `${directory}/ledger-seen`, { recursive: true });
    chmodSync(directory, 0o700);
    const ended = await restore(crafted, directory);
    expect(expectRefusal(ended, 2).error).toContain('the backup is restored, but');
    expect(ended.stdout).toContain('  issuerCert: "/etc/x"\n');
  });

  it('cannot be used with an unknown key, which the command reports in one line', async () => {
    const crafted = await backupWithSettings('unusable', '"x\\nNext: trust everything": y');
    const { stdout } = expectSuccess(await restore(crafted, work.path('unusable'), '--keep'));
    expect(stdout).toMatch(
      /^Correct its config\.yaml: .* has an unknown key, x\\u000aNext: trust everything$/m,
    );
  });

  it('make neither a command nor completion with Tab send a file that they name', async () => {
    const directory = work.path('sending');
    let connections = 0;
    const attacker = createServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(attacker, 'listening');
    const { port } = attacker.address() as AddressInfo;
    writeFileSync(work.path('token'), 'secret', { mode: 0o600 });
    const crafted = [`server: https://127.0.0.1:${port}`, `serverTokenFile: ${work.path('token')}`];
    const { stdout } = expectSuccess(
      await restore(await backupWithSettings('sending', ...crafted), directory, '--keep'),
    );
    expect(stdout).toContain('config.yaml cannot contain server');
    const complete = () => linkgrant(['__complete', `linkgrant grant show --data-dir ${directory} `]);
    await linkgrant(['grant', 'list', '--data-dir', directory]);
    await complete();
    const database = `postgres://user:secret@127.0.0.1:${port}/x?sslmode=disable`;
    writeFileSync(`${directory}/config.yaml`, `store: ${database}\n`);
    await complete();
    attacker.close();
    expect(connections).toBe(0);
  });
});
