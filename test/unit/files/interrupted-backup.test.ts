import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { backUp, restore } from '../../../src/compose/back-up.js';
import { openStore } from '../../../src/compose/open-store.js';
import { directoryForTest } from '../../support/release.js';

const CONTEXT = { clock: Date.now, checkpoint: () => {} };
const LEFT_OVER = '11111111-2222-4333-8444-555555555555';
const RUNNING = new AbortController().signal;
const at = (dataDir: string) => ({ store: undefined, dataDir });

async function serviceDirectory(): Promise<string> {
  const directory = directoryForTest();
  await (await openStore(at(directory), CONTEXT, true)).close();
  return directory;
}

/** Creates a directory as a killed command leaves it. */
function makeLeftOver(path: string): void {
  mkdirSync(path);
  utimesSync(path, 0, 0);
}
const UNCHECKED = { clock: Date.now, checkLedger: () => undefined };

it('a backup that is stopped leaves no file, and removes what a killed backup left', async () => {
  const [source, target] = [await serviceDirectory(), directoryForTest()];
  makeLeftOver(join(target, `.backup.gz.${LEFT_OVER}`));
  const stopped = backUp(at(source), join(target, 'backup.gz'), CONTEXT, AbortSignal.abort());
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  expect(readdirSync(target)).toEqual([]);
});

it('a restore that is stopped leaves no file, and removes what a killed restore left', async () => {
  const [source, target] = [await serviceDirectory(), directoryForTest()];
  const backup = join(directoryForTest(), 'backup.gz');
  await backUp(at(source), backup, CONTEXT, RUNNING);
  makeLeftOver(join(target, `.restore.${LEFT_OVER}`));
  const stopped = restore(at(target), backup, UNCHECKED, AbortSignal.abort());
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  expect(readdirSync(target)).toEqual([]);
});

it.each(['directory', 'named pipe'])('a restore refuses a %s instead of a backup', async (kind) => {
  const [file, target] = [join(directoryForTest(), 'backup.gz'), directoryForTest()];
  execFileSync(kind === 'directory' ? 'mkdir' : 'mkfifo', [file]);
  await expect(restore(at(target), file, UNCHECKED, RUNNING)).rejects.toThrow(/is not a regular file/);
  expect(readdirSync(target)).toEqual([]);
});
