import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectSuccess, linkgrantProcess } from '../support/command-line.js';
import { MAIN } from '../support/programs.js';
import { until } from '../support/until.js';

const { place, dataDir, run, issue, redeem } = await openAcceptingSite();
const kubeconfig = place.path('kubeconfig');
const empty = place.path('empty');
const pwned = join(empty, 'pwned');

beforeAll(async () => {
  mkdirSync(empty);
  mkdirSync(place.path('bin'));
  chmodSync(MAIN, 0o755);
  symlinkSync(MAIN, place.path('bin/linkgrant'));
  const contexts = ['first-cluster', 'second-cluster', 'arn:aws:eks/ada@west', ...EXPANDED_NAMES];
  writeFileSync(kubeconfig, JSON.stringify({ contexts: contexts.map((name) => ({ name })) }));
  expectSuccess(await run('grant', 'create', 'fleet'));
  expectSuccess(await run('grant', 'create', 'branch', '-n', 'north'));
  const token = await issue('west', '--grant', 'fleet');
  expectSuccess(await redeem(token, 'requesting', '--to', place.path('links')));
});

/** Names of which no shell may expand anything; a command in them creates a file in the current directory. */
const EXPANDED_NAMES = [
  '$(touch pwned)',
  '`touch pwned`',
  'first; touch pwned',
  'first-$(touch\tpwned)',
  "'$(touch pwned)'",
  'first\ntouch pwned\n',
  '--yes',
];

/** How to start each interactive shell, and how to load the completion of linkgrant in it. */
const SHELLS: Readonly<Record<string, { readonly start: string; readonly setUp: string }>> = {
  bash: { start: 'bash --norc -i', setUp: 'source <(linkgrant completion bash)' },
  zsh: {
    start: 'zsh -f -i',
    setUp: 'autoload -U compinit; compinit -u -D; source <(linkgrant completion zsh)',
  },
  'zsh with the script in a directory of fpath': {
    start: 'zsh -f -i',
    setUp: 'fpath=(~ $fpath); linkgrant completion zsh >~/_linkgrant; autoload -U compinit; compinit -u -D',
  },
  fish: { start: 'fish --no-config -i', setUp: 'linkgrant completion fish | source' },
};

/**
 * Types the beginning of a command, presses Tab until `completed` is shown, then Enter once, and waits for `printed`. With
 * `isSearch` false it presses Tab once only.
 */
async function complete(
  shell: string,
  typed: string,
  completed: string,
  printed: RegExp,
  { isSearch = true } = {},
): Promise<void> {
  const { start, setUp } = SHELLS[shell] as { start: string; setUp: string };
  const env = { PATH: `${place.path('bin')}:${process.env.PATH}`, HOME: place.directory, TERM: 'dumb' };
  const child = spawn('script', ['-qfec', start, '/dev/null'], { cwd: empty, env });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  child.stderr.resume();
  const isShown = (pattern: RegExp) => pattern.test(shown);
  try {
    child.stdin.write(`${setUp}\necho rea''dy\n`);
    await until(() => isShown(/^ready/m));
    shown = '';
    child.stdin.write(typed);
    child.stdin.write('\t');
    await until(async () => {
      await sleep(1_000);
      if (shown.includes(completed)) return true;
      // On a busy machine a search can exceed its time limit, and then finds nothing.
      if (isSearch) child.stdin.write('\t');
      return false;
    });
    child.stdin.write('\n');
    await until(() => isShown(printed));
  } catch (error) {
    throw new Error(`${shell} shows ${JSON.stringify(shown)}`, { cause: error });
  } finally {
    child.stdin.end('\nexit\n');
    child.kill('SIGHUP');
  }
}

describe.each(Object.keys(SHELLS))('completion in %s', (shell) => {
  it('completes a command at the first Tab', async () => {
    await complete(shell, 'linkgrant vers', 'ion', /\d+\.\d+\.\d+/, { isSearch: false });
  });

  it.each([
    ['the name of a grant', 'grant show --data-dir DATA fl', 'eet', /Name: +fleet/],
    ['a name after ~', 'grant show --data-dir ~/DIRECTORY fl', 'eet', /Name: +fleet/],
    ['a name after $HOME', 'grant show --data-dir $HOME/DIRECTORY fl', 'eet', /Name: +fleet/],
    ['a name after quotes', `grant show --data-dir "$HOME"'/DIRECTORY' fl`, 'eet', /Name: +fleet/],
    ['a value of a flag', 'grant list --data-dir DATA --output js', 'on', /"name": "fleet"/],
    ['a value after =', 'grant list --data-dir DATA --output=js', 'on', /"name": "fleet"/],
    ['a name after =', 'redemption list --data-dir DATA --grant=fl', 'eet', /west/],
    ['a column to sort by', 'grant list --data-dir DATA --sort-by expi', 'ration', /^fleet +exhausted/m],
  ])('completes %s', async (_what, line, completed, printed) => {
    const typed = line.replace('DATA', dataDir).replace('DIRECTORY', basename(dataDir));
    await complete(shell, `linkgrant ${typed}`, completed, printed);
  });

  it('completes a name with word breaks of the shell', async () => {
    const typed = `linkgrant grant list --kubeconfig ${kubeconfig} -p standalone -c arn:aws:eks/ada@we`;
    await complete(shell, typed, 'st', /arn:aws:eks\/ada@west/);
  });

  it('runs no command that is in the name of a resource', async () => {
    rmSync(pwned, { force: true });
    await complete(shell, `linkgrant grant list --kubeconfig ${kubeconfig} -c first-`, 'cluster', /./);
    expect(existsSync(pwned)).toBe(false);
  });
});

describe('completion of names', () => {
  it.each([
    ['grant show --data-dir DATA ', ['fleet']],
    ['grant update -n north --data-dir DATA b', ['branch']],
    ['grant list --data-dir DATA --namespace ', ['default', 'north']],
    ['redemption list --data-dir DATA --grant f', ['fleet']],
    ['link check --dir LINKS ', ['west']],
    ['grant show --data-dir=DATA ', ['fleet']],
    ['token revoke -n north --data-dir DATA ', []],
    ['redemption list --data-dir DATA --grant=f', ['fleet']],
    ['grant list --kubeconfig KUBECONFIG -c ', ['first-cluster', 'second-cluster', 'arn:aws:eks/ada@west']],
    ['grant list --kubeconfig KUBECONFIG -c s', ['second-cluster']],
    ['grant list --kubeconfig KUBECONFIG -c -', []],
    ['grant list --sort-by re', ['redemptions', 'reason']],
    ['ledger list --sort-by gr', ['grant', 'grant-uid']],
    ['ledger list --data-dir DATA --grant f', ['fleet']],
    ['link status --sort-by c', ['certificate-expires', 'cost', 'can-still', 'connected', 'credentials']],
    ['issuer list --sort-by valid-u', ['valid-until']],
    ['grant show --data-dir /nowhere ', []],
    ['grant show --server https://127.0.0.1:1 ', []],
    ['nothing ', []],
  ])('completes `linkgrant %s` with the names %j', async (line, names) => {
    const words = line
      .replace('DATA', dataDir)
      .replace('KUBECONFIG', kubeconfig)
      .replace('LINKS', place.path('links'));
    const command = ['__complete', `linkgrant ${words}`];
    await until(async () => {
      const { code, stdout } = await linkgrantProcess(command);
      expect(code).toBe(0);
      return stdout === names.map((name) => `${name}\n`).join('');
    });
  });

  it('reads names from the store that LINKGRANT_DATA_DIR selects', async () => {
    const env = { LINKGRANT_DATA_DIR: dataDir };
    await until(async () => {
      const found = await linkgrantProcess(['__complete', 'linkgrant grant show '], { env });
      return found.stdout === 'fleet\n';
    });
  });

  it('completes with ids of redemptions and tokens', async () => {
    for (const [list, line] of [
      ['redemption list', 'redemption show'],
      ['token list', 'token revoke --grant fleet'],
    ] as const) {
      const listed = await run(...list.split(' '), '-o', 'name');
      await until(async () => {
        const found = await linkgrantProcess(['__complete', `linkgrant ${line} --data-dir ${dataDir} `]);
        return found.stdout === listed.stdout;
      });
      expect(listed.stdout).not.toBe('');
    }
  });

  it('loads neither the administration of the store nor certificates to complete a name of a local store', async () => {
    // Node.js writes the URL of each loaded module into this directory.
    const coverage = place.path('coverage');
    const line = `linkgrant grant show --data-dir ${dataDir} `;
    // On a busy machine a search can exceed its time limit, and may then have loaded nothing of the store.
    await until(async () => {
      rmSync(coverage, { recursive: true, force: true });
      const found = await linkgrantProcess(['__complete', line], { env: { NODE_V8_COVERAGE: coverage } });
      return found.stdout === 'fleet\n';
    });
    const loaded = readdirSync(coverage).flatMap((file) => {
      const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8'));
      return result.map(({ url }: { url: string }) => url);
    });
    const expectLoaded = (pattern: RegExp) => expect(loaded.filter((url) => pattern.test(url)));
    expectLoaded(/stores\/sqlite\/sqlite-store\.js$/).toHaveLength(1);
    expectLoaded(/\/dist\/(redemption\/administration|pki|codes|platforms|client)\//).toEqual([]);
    expectLoaded(/\/node_modules\/(jose|node-forge)\//).toEqual([]);
  });
});
