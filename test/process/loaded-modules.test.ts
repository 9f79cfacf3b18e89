import { expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectSuccess, linkgrantProcess } from '../support/command-line.js';
import { EXECUTABLES } from '../support/programs.js';
import { retryUntil } from '../support/retry-until.js';

const { dataDir, run } = await openAcceptingSite();

// The program writes the modules that it has loaded to standard error.
const COUNT_MODULES = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) });
  process.on('exit', () => process.stderr.write(JSON.stringify([...loaded])));
`;
const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(COUNT_MODULES)}`;

// An executable is one module.
it.skipIf(EXECUTABLES)(
  'help and completion of words and columns load no settings; completion of names loads no YAML parser',
  async () => {
    expectSuccess(await run('grant', 'create', 'fleet'));
    const load = async (...words: readonly string[]) => {
      const { stdout, stderr } = expectSuccess(await linkgrantProcess(words, { env: { NODE_OPTIONS } }));
      const modules: string[] = JSON.parse(stderr);
      const packages = modules.flatMap((url) => url.match(/node_modules\/([^/]+)/)?.[1] ?? []);
      return { stdout, modules, packages: [...new Set(packages)].sort() };
    };
    const complete = (line: string) => load('__complete', `linkgrant ${line}`);

    const help = await load('--help');
    expect(help.stdout).toContain('Link token redemption service');
    expect(help.packages).toEqual(['commander']);
    expect(help.modules.length).toBeLessThanOrEqual(75);

    const flag = await complete('grant list --state ');
    expect(flag.packages).toEqual(['commander']);
    expect(flag.modules.length).toBeLessThanOrEqual(80);

    const columns = await complete('redemption list --sort-by c');
    expect(columns.stdout).toContain('certificate-expires');
    expect(columns.packages).toEqual(['commander']);
    expect(columns.modules.length).toBeLessThanOrEqual(95);

    // On a busy machine a search can exceed its time limit, and then finds nothing.
    const names = await retryUntil('the names', async () => {
      const found = await complete(`grant show --data-dir ${dataDir} `);
      return found.stdout !== '' && found;
    });
    expect(names.stdout).toBe('fleet\n');
    expect(names.packages).toEqual(['commander', 'zod']);
    expect(names.modules.length).toBeLessThanOrEqual(250);
  },
);
