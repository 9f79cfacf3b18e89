import { afterEach, describe, expect, it, vi } from 'vitest';
import { rollbackOnFailure } from '../../../../src/cli/grant/rollback-grant.js';
import { OutputClosed } from '../../../../src/cli/terminal/write-out.js';
import type { Administration } from '../../../../src/redemption/administration/administration.js';

const grant = { uid: 'the-uid', namespace: 'west', name: 'mine' };
const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);

afterEach(() => said.mockClear());

/** The failure of a `show` that fails with `failure`, where deleting ends as told. */
function unmade(failure: Error, deleteGrant: Administration['deleteGrant']): Promise<unknown> {
  return rollbackOnFailure(grant, { deleteGrant }, () => Promise.reject(failure)).catch(
    (error: unknown) => error,
  );
}

describe('a grant whose code cannot be printed', () => {
  it('is deleted, and the error is the one of printing', async () => {
    const deleted: string[] = [];
    const failure = new Error('no room');
    const deleteGrant = async (uid: string) => void deleted.push(uid);
    expect(await unmade(failure, deleteGrant)).toBe(failure);
    expect(deleted).toEqual(['the-uid']);
    expect(said).not.toHaveBeenCalled();
  });

  it('is reported if it cannot be deleted either', async () => {
    const failure = new Error('no room');
    const refusing = () => Promise.reject(new Error('no disk'));
    expect(await unmade(failure, refusing)).toBe(failure);
    expect(said.mock.calls.join()).toContain('linkgrant grant delete mine -n west');
    const unread = await unmade(new OutputClosed('nobody reads'), refusing);
    expect((unread as Error).message).toBe(
      'standard output was closed before the code of grant "mine" was read',
    );
  });
});
