import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { rollbackOnFailure } from '../../../../src/cli/grant/rollback-grant.js';
import { OutputClosed } from '../../../../src/cli/terminal/write-out.js';
import type { Administration } from '../../../../src/redemption/administration/administration.js';

const grant = { uid: 'the-uid', namespace: 'west', name: 'mine' };
const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);

afterEach(() => stderr.mockClear());
afterAll(() => stderr.mockRestore());

/** Returns the error of rollbackOnFailure if writing the code fails with `failure`. */
function rollbackError(failure: Error, deleteGrant: Administration['deleteGrant']): Promise<unknown> {
  return rollbackOnFailure(grant, { deleteGrant }, () => Promise.reject(failure)).catch(
    (error: unknown) => error,
  );
}

describe('a grant whose code cannot be printed', () => {
  it('is deleted, and the error is the one of printing', async () => {
    const deleted: string[] = [];
    const failure = new Error('no room');
    const deleteGrant = async (uid: string) => void deleted.push(uid);
    expect(await rollbackError(failure, deleteGrant)).toBe(failure);
    expect(deleted).toEqual(['the-uid']);
    expect(stderr).not.toHaveBeenCalled();
  });

  it('is reported if it cannot be deleted either', async () => {
    const failure = new Error('no room');
    const refusing = () => Promise.reject(new Error('no disk'));
    expect(await rollbackError(failure, refusing)).toBe(failure);
    expect(stderr.mock.calls.join()).toContain('linkgrant grant delete mine -n west');
    const unread = await rollbackError(new OutputClosed('closed'), refusing);
    expect((unread as Error).message).toBe(
      'standard output was closed before the code of grant "mine" was read',
    );
  });
});
