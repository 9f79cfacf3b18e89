import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { pendingDirectories } from '../../../src/platforms/standalone/pending-directory.js';
import { directoryForTest } from '../../support/release.js';

let directory: string;
beforeEach(() => {
  directory = directoryForTest();
});

describe('a request to a Skupper grant server', () => {
  it('reserves disk space for the response first, and releases it when the response is stored', async () => {
    const pending = await pendingDirectories(directory, Date.now)('0a');
    expect(await pending.beginPosting({ number: 1, at: Date.now() })).toBe(true);
    const place = join(directory, 'redemptions/0a');
    expect(statSync(join(place, 'room'))).toMatchObject({ size: 131_072 });
    expect(statSync(join(place, 'room')).mode & 0o777).toBe(0o600);
    expect(await pending.storeAnswer('answer')).toBe('answer');
    expect(readdirSync(place).sort()).toEqual(['answer.yaml', 'posted-1']);
  });

  it('is not sent if the disk has no space for the response', () => {
    const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const module = new URL('../../../dist/platforms/standalone/pending-directory.js', import.meta.url).href;
    const script = `
      const { execFileSync } = await import('node:child_process');
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', process.argv[1]]);
      const { pendingDirectories } = await import(process.argv[2]);
      const pending = await pendingDirectories(process.argv[1], Date.now)('0a');
      const result = await pending.beginPosting({ number: 1, at: Date.now() }).catch((error) => error.code);
      console.log(JSON.stringify([result, await pending.findPosting() ?? null]));`;
    const command = [process.execPath, '--input-type=module', '-e', script, directory, module];
    const output = execFileSync('unshare', [...asRoot, '--mount', ...command], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(JSON.parse(output)).toEqual(['not_writable', null]);
  });
});
