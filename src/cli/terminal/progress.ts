import type { Writable } from 'node:stream';
import { commandContext, isTerminal } from '../../config/command-context.js';

interface Progress {
  readonly startedAt: number;
  text: string;
  /** Elapsed seconds in the visible line; 0 while no line is visible. */
  shownSeconds: number;
  /** True while another program writes to the terminal. */
  isPaused: boolean;
}

const REFRESH_MS = 200;
const ERASE_LINE = '\r\x1b[K';

/** The operation that runs now. The key is the stderr stream of its command. */
const running = new WeakMap<Writable, Progress>();

/**
 * Runs an operation. If it takes longer than a second, a line on the terminal shows `text`, or what the operation has passed to
 * `update`, and the elapsed seconds; it is erased at the end. Nothing is shown in a pipe, in a CI job or on a dumb terminal.
 */
export async function withProgress<T>(
  text: string,
  operation: (update: (text: string) => void) => Promise<T>,
): Promise<T> {
  const { stderr, env } = commandContext();
  const canRewriteLines = isTerminal(stderr) && !env.CI && env.TERM !== 'dumb';
  // An enclosing operation shows its own line.
  if (!canRewriteLines || running.has(stderr)) return operation(() => undefined);
  const progress: Progress = { startedAt: performance.now(), text, shownSeconds: 0, isPaused: false };
  running.set(stderr, progress);
  const timer = setInterval(() => show(stderr, progress), REFRESH_MS);
  try {
    return await operation((newText) => {
      progress.text = newText;
      // The operation may block the event loop, and with it the timer.
      show(stderr, progress);
    });
  } finally {
    clearInterval(timer);
    eraseProgress();
    running.delete(stderr);
  }
}

function show(stderr: Writable, progress: Progress): void {
  const seconds = Math.floor((performance.now() - progress.startedAt) / 1_000);
  if (seconds === progress.shownSeconds || progress.isPaused) return;
  progress.shownSeconds = seconds;
  stderr.write(`${ERASE_LINE}${progress.text} (${seconds} s)`);
}

/** Erases the line of {@link withProgress}, so that other text can be written. The line appears again at the next refresh. */
export function eraseProgress(): void {
  const { stderr } = commandContext();
  const progress = running.get(stderr);
  if (!progress || progress.shownSeconds === 0) return;
  progress.shownSeconds = 0;
  stderr.write(ERASE_LINE);
}

/** Runs an operation during which another program writes to the terminal. */
export async function withoutProgress<T>(operation: () => Promise<T>): Promise<T> {
  const progress = running.get(commandContext().stderr);
  if (!progress) return operation();
  progress.isPaused = true;
  eraseProgress();
  return operation().finally(() => {
    progress.isPaused = false;
  });
}
