import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { expectSuccess, json, linkgrant, type RunOptions, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';

const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');
const config = `${dataDir}/config.yaml`;

beforeAll(() => mkdirSync(dataDir));

interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

async function check(words: readonly string[] = [], env: RunOptions['env'] = {}) {
  const command = ['config', 'check', '-o', 'json', '--data-dir', dataDir, ...words];
  const ended = expectSuccess(await linkgrant(command, { env }));
  const rows: readonly Row[] = json(ended);
  const row = (key: string) => {
    const { value, source } = rows.find((candidate) => candidate.key === key) as Row;
    return [value, source];
  };
  return { row, warnings: ended.stderr };
}

describe('config check', () => {
  it('prefers flags to variables, variables to the file, and the file to defaults', async () => {
    writeFileSync(
      config,
      'listen: 127.0.0.1:1\nlogLevel: debug\nworkers: 2\nhost: [a.example.com, b.example.com]\n',
    );
    const env = { LINKGRANT_LISTEN: '127.0.0.1:2', LINKGRANT_LOG_LEVEL: 'warn' };
    const { row, warnings } = await check(['--listen', '127.0.0.1:3'], env);
    expect(warnings).toBe('');
    expect(row('listen')).toEqual(['127.0.0.1:3', 'flag --listen']);
    expect(row('logLevel')).toEqual(['warn', 'variable LINKGRANT_LOG_LEVEL']);
    expect(row('workers')).toEqual([2, `file ${config}`]);
    expect(row('host')).toEqual([['a.example.com', 'b.example.com'], `file ${config}`]);
    expect(row('stockReplayWindow')).toEqual(['2m', 'default']);
    expect(row('externalUrl')).toEqual([null, 'default']);
    expect(row('dataDir')).toEqual([dataDir, 'flag --data-dir']);
  });

  it('reads the file of --config or its variable instead of the default file', async () => {
    writeFileSync(config, 'logLevel: debug\n');
    const other = place.path('other.yaml');
    writeFileSync(other, 'workers: 3\n');
    const byFlag = (await check(['--config', other])).row;
    const byVariable = (await check([], { LINKGRANT_CONFIG: other })).row;
    for (const row of [byFlag, byVariable]) {
      expect(row('workers')).toEqual([3, `file ${other}`]);
      expect(row('logLevel')).toEqual(['info', 'default']);
    }
    writeFileSync(config, '# nothing yet\n');
    expect((await check()).row('logLevel')).toEqual(['info', 'default']);
  });

  it('masks the path of a webhook URL, which may be a credential, also in errors', async () => {
    const urls = ['https://a.example.com/SECRET', 'https://b.example.com:8443/?key=SECRET'];
    const words = ['--webhook-secret-file', place.path('secret')];
    const { row } = await check(words, { LINKGRANT_WEBHOOK: urls.join(',') });
    const masked = ['https://a.example.com/…', 'https://b.example.com:8443/…'];
    expect(row('webhook')[0]).toBe(masked.join(','));
    const flags = urls.flatMap((url) => ['--webhook', url]);
    expect((await check([...words, ...flags])).row('webhook')[0]).toEqual(masked);
    for (const wrong of ['https://user:SECRET@a.example.com/SECRET', 'a.example.com/SECRET']) {
      const refused = await linkgrant(['config', 'check', '--data-dir', dataDir, '--webhook', wrong]);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('a.example.com/…');
      expect(refused.stderr).not.toContain('SECRET');
    }
  });

  it("reads Skupper's variables for the same settings; linkgrant's variables take precedence", async () => {
    const skupper = {
      SKUPPER_GRANT_SERVER_PORT: '9191',
      SKUPPER_GRANT_SERVER_BASE_URL: 'grants.example.com:443/links',
      SKUPPER_ALLOW_REDEEM_BY_KEY: 'true',
    };
    const { row } = await check([], skupper);
    expect(row('listen')).toEqual([':9191', 'variable SKUPPER_GRANT_SERVER_PORT']);
    expect(row('externalUrl')).toEqual([
      'https://grants.example.com:443/links',
      'variable SKUPPER_GRANT_SERVER_BASE_URL',
    ]);
    expect(row('allowRedeemByKey')).toEqual(['true', 'variable SKUPPER_ALLOW_REDEEM_BY_KEY']);
    const both = await check([], { ...skupper, LINKGRANT_LISTEN: ':1' });
    expect(both.row('listen')).toEqual([':1', 'variable LINKGRANT_LISTEN']);
  });

  it('ignores empty variables, and those that Kubernetes or a Docker link sets', async () => {
    const { row, warnings } = await check([], {
      SKUPPER_GRANT_SERVER_PORT: 'tcp://10.0.0.7:9090',
      LINKGRANT_LISTEN: 'tcp://10.0.0.8:9090',
      LINKGRANT_PORT: 'tcp://10.0.0.8:9090',
      LINKGRANT_LOG_LEVEL: '',
    });
    expect(row('listen')).toEqual([':9090', 'default']);
    expect(row('logLevel')).toEqual(['info', 'default']);
    expect(warnings).toBe('');
  });

  it('warns of an unknown variable by name, without its value', async () => {
    const { warnings } = await check([], { LINKGRANT_LISTN: 'do-not-show' });
    expect(warnings).toBe('warning: the variable LINKGRANT_LISTN is unknown and has no effect\n');
  });

  it('reads a list from repeated flags, or from a variable with commas', async () => {
    const { row } = await check(['--host', 'a.example.com', '--host', '::1'], {
      LINKGRANT_ENDPOINT: 'inter-router=r.example.com:1,edge=r.example.com:2@group',
    });
    expect(row('host')).toEqual([['a.example.com', '::1'], 'flag --host']);
    const endpoints = 'inter-router=r.example.com:1,edge=r.example.com:2@group';
    expect(row('endpoint')).toEqual([endpoints, 'variable LINKGRANT_ENDPOINT']);
  });

  it('prints a table, or YAML', async () => {
    const table = await linkgrant(['config', 'check', '--data-dir', dataDir, '--workers', '4']);
    expect(table.stdout).toMatch(/^FLAG +VALUE +FROM$/m);
    expect(table.stdout).toMatch(/^--workers +4 +flag --workers$/m);
    expect(table.stdout).toMatch(/^--external-url +- +default$/m);
    const yaml = await linkgrant(['config', 'check', '--data-dir', dataDir, '-o', 'yaml']);
    expect(parse(yaml.stdout)).toContainEqual({ key: 'workers', value: '1', source: 'default' });
  });
});

describe('serve with a configuration file in the data directory', () => {
  it('uses the file, and prefers a variable', async () => {
    const served = place.path('served');
    mkdirSync(served, { mode: 0o700 });
    const settings = [
      'host: [file.example.com]',
      'endpoint: ["inter-router=r.example.com:1"]',
      'pathPrefix: /file',
    ];
    writeFileSync(`${served}/config.yaml`, settings.join('\n'));
    const service = await place.serve(['--data-dir', served], {
      env: { LINKGRANT_PATH_PREFIX: '/variable' },
    });
    expect(service.url).toBe(`https://file.example.com:${service.port}/variable`);
    expect(service.said.stdout).toContain('Next: linkgrant token issue');
  });
});
