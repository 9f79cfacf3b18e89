import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, linkgrant, Workplace } from '../support/command-line.js';
import { programCommands } from '../support/program-commands.js';
import { releaseAfterFile } from '../support/release.js';

const COMMANDS = programCommands().map(({ name }) => name);
/** The commands with subcommands, such as `grant`. */
const NOUNS = programCommands().flatMap(({ name, hasSubcommands }) => (hasSubcommands ? [name] : []));

const place = releaseAfterFile(new Workplace());

describe('linkgrant --help', () => {
  it.each(['', ...COMMANDS])('prints the usage on standard output for "%s --help"', async (command) => {
    const words = command.split(' ').filter(Boolean);
    const { code, stdout, stderr } = await linkgrant([...words, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: linkgrant ${command}`.trimEnd(), 'm'));
    expect(stdout).toContain('-h, --help');
    const [examples = '', usage = ''] = stdout.split(/^(?=Usage: )/m);
    for (const line of usage.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    // An example is one line, which can be copied.
    for (const line of examples.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });

  it('lists the first word of each command, and the verbs of each noun', async () => {
    const { stdout } = await linkgrant(['help']);
    const firsts = new Set(COMMANDS.map((command) => command.split(' ')[0]));
    for (const first of firsts) expect(stdout).toMatch(new RegExp(`^  ${first} `, 'm'));
    for (const noun of NOUNS) {
      const help = await linkgrant(['help', noun]);
      const verbs = COMMANDS.filter((command) => command.startsWith(`${noun} `));
      for (const verb of verbs) expect(help.stdout).toMatch(new RegExp(`^  ${verb.split(' ')[1]} `, 'm'));
    }
  });

  it.each([
    ['serve', 'on kubernetes', '--service-namespace'],
    ['serve', 'on podman, docker and linux', '--skupper-home'],
    ['serve', 'of webhooks', '--webhook'],
    ['grant create', 'of a remote service', '--server'],
  ])('the help of %s has a heading for the options %s', async (command, group, flag) => {
    const { stdout } = await linkgrant([...command.split(' '), '--help']);
    expect(stdout).toContain(`\nOptions ${group}:\n  ${flag} `);
  });

  it.each([
    ['bootstrap', ['--deadline']],
    ['grant create', ['--deadline']],
    ['token issue', ['--deadline']],
    ['link update', ['--deadline']],
    ['token redeem', ['--deadline', '--timeout']],
    ['token inspect', ['--timeout']],
    ['link check', ['--timeout']],
    ['doctor', ['--timeout']],
  ])(
    'the help of %s has only the time limits %j, and describes --timeout as the time limit of one exchange',
    async (command, limits) => {
      const { stdout } = await linkgrant([...command.split(' '), '--help']);
      const options = stdout.split(/\n {2}(?=-)/).map((option) => option.replace(/\s+/g, ' '));
      const text = (flag: string) => options.find((option) => option.startsWith(`${flag} <DURATION>`));
      expect(['--deadline', '--timeout'].filter((flag) => text(flag) !== undefined)).toEqual(limits);
      expect(text('--timeout') ?? 'time limit of one exchange').toContain('time limit of one exchange');
    },
  );

  it.each([
    ['doctor', ['Options:', 'Options that select the site and its data:', 'Settings of the service']],
    ['grant create', ['Options:', 'Options that select the site and its data:', 'Options on kubernetes:']],
  ])(
    'the help of %s lists its own options first, and those of the service last',
    async (command, headings) => {
      const { stdout } = await linkgrant([...command.split(' '), '--help']);
      const positions = headings.map((heading) => stdout.indexOf(`\n${heading}`));
      expect(positions).not.toContain(-1);
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
      // No heading follows that of the settings of the service.
      if (command === 'doctor') expect(stdout.slice(positions.at(-1)).match(/^\S.*:$/gm)).toHaveLength(1);
    },
  );

  it('prints the usage and exits with 2 if no command is given', async () => {
    for (const words of [[], ['grant']]) {
      const { code, stdout, stderr } = await linkgrant(words);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^Usage: linkgrant/m);
    }
  });

  it('suggests the most similar command for a mistyped one, and names --help in the hint', async () => {
    const noun = await linkgrant(['tokn']);
    expect(expectRefusal(noun, 2).error).toBe("unknown command 'tokn' (Did you mean token?)");
    expect(expectRefusal(await linkgrant(['grant', 'revok', 'x']), 2)).toMatchObject({
      error: "unknown command 'revok' (Did you mean revoke?)",
      hint: expect.stringContaining('--help'),
    });
  });

  it.each([
    [['link', 'list'], 'link status'],
    [['issuer', 'rotate'], 'issuer prepare, then issuer activate and issuer retire'],
    [['grant', 'extend', 'x'], 'grant update'],
    [['redeem', 'token.yaml'], 'token redeem'],
  ])('suggests the command that does what the unknown command %j says', async (words, name) => {
    const { error } = expectRefusal(await linkgrant(words), 2);
    expect(error).toMatch(new RegExp(`^unknown command '\\w+' \\(Did you mean ${name}\\?\\)$`));
  });

  it('suggests nothing for an unknown command that no user could mean', async () => {
    for (const word of ['constructor', 'toString', '__proto__'])
      expect(expectRefusal(await linkgrant([word]), 2).error).toBe(`unknown command '${word}'`);
  });

  it('names at most one default in a sentence', async () => {
    for (const command of COMMANDS) {
      const { stdout } = await linkgrant([...command.split(' ').filter(Boolean), '--help']);
      for (const option of stdout.split(/\n {2}(?=-)/).slice(1))
        for (const sentence of option.replace(/\s+/g, ' ').split('. '))
          expect(sentence.match(/default:/gi)?.length ?? 0, sentence).toBeLessThanOrEqual(1);
    }
  });

  it('refuses a flag in place of the value of another flag, and accepts it after =', async () => {
    const dataDir = ['--data-dir', place.path('flags')];
    const words = ['grant', 'create', 'noted', ...dataDir];
    expect(expectRefusal(await linkgrant([...words, '--note', '--dry-run']), 2).error).toBe(
      "option '--note <TEXT>' argument missing before '--dry-run'; for a value that begins with --, use --note=VALUE",
    );
    expect(expectRefusal(await linkgrant([...words, '-n', '--dry-run']), 2).error).toContain(
      '--namespace=VALUE',
    );
    // There is no service: the command fails after its flags were accepted.
    const accepted = await linkgrant([...words, '--note=--dry-run']);
    expect(expectRefusal(accepted, 2).hint).toContain('linkgrant serve');
  });
});

describe('linkgrant version', () => {
  it('prints the version of the package, as a command and as a flag', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    for (const words of [['version'], ['--version'], ['-V']]) {
      expect(await linkgrant(words)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    }
  });
});

describe('linkgrant completion', () => {
  const script = place.path('completion.bash');

  beforeAll(async () => {
    writeFileSync(script, (await linkgrant(['completion', 'bash'])).stdout);
  });

  /** Returns the completions that bash offers for the last word. */
  function completions(...words: readonly string[]): string[] {
    const simulate = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}; _linkgrant linkgrant "\${!#}"
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const bash = spawnSync('bash', ['-c', simulate, 'bash', script, 'linkgrant', ...words], {
      encoding: 'utf8',
    });
    expect(bash.stderr).toBe('');
    return bash.stdout.split('\n').filter(Boolean);
  }

  it('leaves file names to bash and fish where the script has no words', async () => {
    expect(readFileSync(script, 'utf8')).toContain('\ncomplete -o default -F _linkgrant linkgrant\n');
    const fish = await linkgrant(['completion', 'fish']);
    expect(fish.stdout).toMatch(/^complete -c linkgrant -n '.*linkgrant token redeem\*.*' -l timeout -r$/m);
  });

  it('offers the commands, flags and shells that are valid at the position of the cursor', () => {
    expect(completions('')).toEqual(expect.arrayContaining(['serve', ...NOUNS, 'completion', 'version']));
    expect(completions('token', '')).toEqual(['issue', 'redeem', 'inspect', 'list', 'revoke', 'rotate-key']);
    expect(completions('token', 're')).toEqual(['redeem', 'revoke']);
    expect(completions('token', 'redeem', 'token.yaml', '--t')).toEqual(['--to', '--timeout']);
    expect(completions('serve', '--host', 'example.com', '--data')).toEqual(['--data-dir']);
    expect(completions('token', 'redeem', 'file', '--cost')).toEqual([]);
    expect(completions('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(completions('token', 'redeem', '')).toEqual([]);
  });

  it('refuses an unknown shell', async () => {
    expect(expectRefusal(await linkgrant(['completion', 'tcsh']), 2)).toEqual({
      error: 'there is no completion for "tcsh"',
      hint: 'use bash, zsh or fish',
    });
  });
});
