import { Readable, Writable } from 'node:stream';
import { afterEach, expect, it, vi } from 'vitest';
import { withoutProgress, withProgress } from '../../../../src/cli/terminal/progress.js';
import { writeOut, writeStderr } from '../../../../src/cli/terminal/write-out.js';
import { commandContext, runInContext } from '../../../../src/config/command-context.js';
import { fakeTimers } from '../../../support/fake-timers.js';

fakeTimers('setTimeout', 'setInterval', 'clearInterval', 'performance');
afterEach(() => void vi.restoreAllMocks());

/** Returns what a command writes to its terminal, with `⌫` where it erases the line. */
async function terminalOutput(
  command: () => Promise<unknown>,
  { isTTY = true, env = {} }: { readonly isTTY?: boolean; readonly env?: Record<string, string> } = {},
): Promise<string> {
  let screen = '';
  const terminal = () =>
    Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          screen += chunk;
          done();
        },
      }),
      { isTTY },
    );
  const streams = { stdin: Readable.from([]), stdout: terminal(), stderr: terminal() };
  await runInContext({ ...commandContext(), ...streams, env }, 'linkgrant', command);
  return screen.replaceAll('\r\x1b[K', '⌫');
}

const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);

it('an operation of more than a second shows one line with its elapsed seconds, and erases it at its end', async () => {
  expect(await terminalOutput(() => withProgress('Working', () => passes(2_300)))).toBe(
    '⌫Working (1 s)⌫Working (2 s)⌫',
  );
});

it('an operation of less than a second shows nothing', async () => {
  expect(await terminalOutput(() => withProgress('Working', () => passes(900)))).toBe('');
});

it.each([
  ['in a pipe', { isTTY: false }],
  ['in a CI job', { env: { CI: 'true' } }],
  ['on a dumb terminal', { env: { TERM: 'dumb' } }],
])('an operation shows nothing %s', async (_where, options) => {
  expect(await terminalOutput(() => withProgress('Working', () => passes(5_000)), options)).toBe('');
});

it('an operation that blocks the event loop shows the details that it passes to update', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  const screen = await terminalOutput(() =>
    withProgress('Working', async (update) => {
      update('Working: 1 row');
      now.mockReturnValue(1_200);
      update('Working: 2 rows');
      update('Working: 3 rows');
      now.mockReturnValue(2_100);
      update('Working: 4 rows');
    }),
  );
  expect(screen).toBe('⌫Working: 2 rows (1 s)⌫Working: 4 rows (2 s)⌫');
});

it('other output erases the line, which appears again below it', async () => {
  const screen = await terminalOutput(() =>
    withProgress('Working', async () => {
      await passes(1_100);
      writeStderr('warning\n');
      await passes(200);
      await writeOut('result\n');
    }),
  );
  expect(screen).toBe('⌫Working (1 s)⌫warning\n⌫Working (1 s)⌫result\n');
});

it('the line is erased while another program writes to the terminal', async () => {
  const screen = await terminalOutput(() =>
    withProgress('Working', async () => {
      await passes(1_100);
      await withoutProgress(() => passes(3_000));
      await passes(200);
    }),
  );
  expect(screen).toBe('⌫Working (1 s)⌫⌫Working (4 s)⌫');
});

it('the line of a failed operation is erased before the error is written', async () => {
  const screen = await terminalOutput(() =>
    expect(
      withProgress('Working', async () => {
        await passes(1_500);
        throw new Error('lost');
      }),
    ).rejects.toThrow('lost'),
  );
  expect(screen).toBe('⌫Working (1 s)⌫');
});

it('an operation within another one has no line of its own', async () => {
  const screen = await terminalOutput(() =>
    withProgress('Outer', () => withProgress('Inner', () => passes(1_000))),
  );
  expect(screen).toBe('⌫Outer (1 s)⌫');
});
