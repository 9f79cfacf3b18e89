import { expect, it } from 'vitest';
import { createProgram } from '../../../../src/cli/program.js';
import { withProgramName } from '../../../../src/cli/terminal/program-name.js';
import { commandContext, runInContext } from '../../../../src/config/command-context.js';

const program = createProgram();

it.each(program.commands.map((command) => command.name()).filter((name) => !name.startsWith('__')))(
  'a hint with `linkgrant %s` begins with `kubectl linkgrant` in a kubectl plugin',
  async (name) => {
    const run = async () => withProgramName(`run \`linkgrant ${name}\``);
    const hint = await runInContext(commandContext(), 'kubectl linkgrant', run);
    expect(hint).toBe(`run \`kubectl linkgrant ${name}\``);
  },
);

it('a command that already begins with `kubectl linkgrant` remains as it is', async () => {
  const run = async () => withProgramName(withProgramName('run `linkgrant serve`'));
  expect(await runInContext(commandContext(), 'kubectl linkgrant', run)).toBe(
    'run `kubectl linkgrant serve`',
  );
});
