#!/usr/bin/env node
import { isCompletion, runCommandLine } from './cli/run.js';

// A full pipe that no process reads must not keep a finished process running.
const LAST_WRITES_MS = 1_000;
// The shell waits for a completion, so the completion exits at once, even if a search that exceeded its time limit still runs.
const exitDelayMs = isCompletion(process.argv) ? 0 : LAST_WRITES_MS;

// As PID 1 in a container the default signal actions do not apply, so handle SIGTERM and SIGINT. A command with a shutdown of
// its own adds a listener; then this one does nothing.
if (process.pid === 1) {
  for (const [signal, exitCode] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.on(signal, () => process.listenerCount(signal) === 1 && process.exit(exitCode));
  }
}

// Without `await`: the executable is a CommonJS script.
void runCommandLine(process.argv, { clock: Date.now, checkpoint: () => {} }).then((exitCode) => {
  process.exitCode = exitCode;
  setTimeout(() => process.exit(), exitDelayMs).unref();
});
