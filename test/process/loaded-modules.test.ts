import { expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectSuccess, linkgrantProcess } from '../support/command-line.js';
import { EXECUTABLES } from '../support/programs.js';

const { dataDir, run } = await openAcceptingSite();

// The last line of standard error is the number of modules that the program has loaded.
const COUNT_MODULES = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) });
  process.on('exit', () => process.stderr.write(String(loaded.size)));
`;
const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(COUNT_MODULES)}`;

// An executable is one module.
it.skipIf(EXECUTABLES)(
  'help and completion of words and columns load no settings; completion of names loads no YAML parser',
  async () => {
    expectSuccess(await run('grant', 'create', 'fleet'));
    const load = async (...words: readonly string[]) => {
      const { stdout, stderr } = expectSuccess(await linkgrantProcess(words, { env: { NODE_OPTIONS } }));
      return { stdout, modules: Number(stderr) };
    };
    const complete = (line: string) => load('__complete', `linkgrant ${line}`);

    const help = await load('--help');
    expect(help.stdout).toContain('Link token redemption service');
    expect(help.modules).toBeLessThanOrEqual(70);

    const flag = await complete('grant list --state ');
    expect(flag.modules).toBeLessThanOrEqual(75);

    const columns = await complete('redemption list --sort-by c');
    expect(columns.stdout).toContain('certificate-expires');
    expect(columns.modules).toBeLessThanOrEqual(90);

    let names = await complete(`grant show --data-dir ${dataDir} `);
    // On a busy machine a search can exceed its time limit, and then finds nothing.
    while (names.stdout === '') names = await complete(`grant show --data-dir ${dataDir} `);
    expect(names.stdout).toBe('fleet\n');
    expect(names.modules).toBeLessThanOrEqual(235);
  },
);
