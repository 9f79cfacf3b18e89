import { afterAll, describe, expect, it } from 'vitest';
import { ENDPOINT, json, linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { releaseAfterFile } from '../support/release.js';
import { DatabaseServer, PASSWORD } from './harness/database-server.js';
import { runPostgresProgram } from './harness/postgres-programs.js';
import { ENV } from './harness/service-on-servers.js';

let copy: DatabaseServer | undefined;

const server = releaseAfterFile(await DatabaseServer.create());
afterAll(() => copy?.remove());
// The services end before the database servers: the latest resource is released first.
const work = releaseAfterFile(new Workplace());

const run = (...words: readonly string[]) => linkgrant(words, { env: ENV });

/** Ways to back up and restore the database; `restore` returns the URL of the restored database. */
const WAYS = [
  {
    way: 'pg_dump and pg_restore',
    async save() {
      const dump = ['-Fc', '-n', 'linkgrant', '-f', server.path('dump')];
      runPostgresProgram('pg_dump', [...dump, server.connection], PASSWORD);
    },
    async restore() {
      runPostgresProgram('pg_restore', ['-c', '-d', server.connection, server.path('dump')], PASSWORD);
      return server.url;
    },
  },
  {
    way: 'pg_basebackup',
    async save() {
      copy = await server.createCopy();
    },
    async restore() {
      server.stop();
      copy?.start();
      return copy?.url ?? '';
    },
  },
];

describe.each(WAYS)('a database that was restored by $way', ({ way, save, restore }) => {
  it('is not served before `store restored`', async () => {
    const [name = ''] = way.split(' ');
    const dataDir = ['--data-dir', work.path(name)];
    const token = work.path(`${name}.yaml`);
    const redeem = (site: string) =>
      run('token', 'redeem', token, '--data-dir', work.path(site), '--to', work.path(site, 'links'));
    if (name === 'pg_basebackup') await server.sql('DROP SCHEMA linkgrant CASCADE');
    let place = [...dataDir, '--store', server.url];
    const listen = ['--listen', `127.0.0.1:${await freePort()}`];
    const service = await work.serve([...listen, ...ENDPOINT, ...place], { env: ENV });
    const issue = ['token', 'issue', token, '--name', 'west', '--redemptions-allowed', '3'];
    expect((await run(...issue, ...place)).code).toBe(0);
    expect((await redeem(`${name}-before`)).code).toBe(0);
    await save();
    expect((await redeem(`${name}-after`)).code).toBe(0);
    await service.stop();
    place = [...dataDir, '--store', await restore()];

    const start = ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off', ...ENDPOINT, ...place];
    const refused = await run(...start);
    expect(refused.code).toBe(2);
    expect(refusalOf(refused).error).toContain('the store was rolled back: its ledger lacks 1 entry');
    const doctor = await run('doctor', ...place);
    expect(doctor.stdout).toMatch(/store age +.*1 entry is missing from its ledger/);
    const undecided = await run('store', 'restored', ...place);
    expect(undecided.code).toBe(2);
    expect(refusalOf(undecided).error).toContain(
      'spent uses of 1 grant may be available again (default/west)',
    );
    expect((await run('store', 'restored', '--revoke', ...place)).stdout).toBe(
      'Revoked default/west\nA service can use the store again.\n',
    );

    const again = await work.serve([...listen, ...ENDPOINT, ...place], { env: ENV });
    expect((await redeem(`${name}-again`)).code).toBe(3);
    const [grant] = json(await run('grant', 'list', '-o', 'json', ...place));
    expect(grant).toMatchObject({ name: 'west', state: 'revoked', redemptions: 1 });
    expect((await run('ledger', 'verify', ...place)).code).toBe(0);
    await again.stop();
  });
});
