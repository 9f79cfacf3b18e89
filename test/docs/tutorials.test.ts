import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { releaseAfterFile } from '../support/release.js';
import { codeLines, readProjectFile } from './document.js';
import { ShownCommands } from './shown-commands.js';

const commands = releaseAfterFile(new ShownCommands());

/** Runs the commands of a tutorial in their order, with a real token id for `ID`; returns what each printed. */
async function follow(tutorial: string): Promise<readonly string[]> {
  const outputs: string[] = [];
  for (const line of codeLines(readProjectFile(`docs/tutorials/${tutorial}.md`), 'sh')) {
    const words = line.split(/ +/);
    if (words[1] === 'serve') {
      await commands.serve(tutorial, words);
      continue;
    }
    if (words.includes('ID')) words[words.indexOf('ID')] = await readyToken(tutorial);
    outputs.push(await commands.run(tutorial, words));
  }
  return outputs;
}

async function readyToken(tutorial: string): Promise<string> {
  const list = ['linkgrant', 'token', 'list', '--data-dir', 'hub', '-o', 'json'];
  const tokens: { id: string; state: string }[] = JSON.parse(await commands.run(tutorial, list));
  return tokens.find(({ state }) => state === 'ready')?.id ?? 'no ready token';
}

describe('docs/tutorials', () => {
  it('first-link.md shows commands that create one link, repeat it without another use, and revoke it', async () => {
    const outputs = await follow('first-link');
    expect(readdirSync(join(commands.directory, 'first-link/links')).sort()).toEqual([
      'Link-to-hub.yaml',
      'Secret-to-hub.yaml',
    ]);
    const redemptionCounts = outputs.join('').match(/^Redemptions: .*$/gm);
    expect(redemptionCounts).toEqual(expect.arrayContaining(['Redemptions: 0 of 1', 'Redemptions: 1 of 1']));
    expect(outputs.at(-1)).toMatch(/ to-hub +branch +.* connect +\d{4}-/);
  });

  it('fleet.md shows commands that link two sites by tokens of one grant', async () => {
    const outputs = (await follow('fleet')).join('');
    expect(outputs).toMatch(/ exhausted +1\/1 .* berlin /m);
    expect(outputs).toMatch(/ to-hub +paris /);
    expect(outputs).toMatch(/^Redemptions: 2 of 80$/m);
  });
});
