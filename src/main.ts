#!/usr/bin/env node
import { runCommandLine } from './cli/run.js';

// A full pipe that no process reads must not keep a finished process running.
const LAST_WRITES_MS = 1_000;

// The kernel ends process 1, as which a container runs it, by no signal that it does not listen for. Who stops in an order of
// its own listens as well, and is left to it.
if (process.pid === 1) {
  for (const [signal, exitCode] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.on(signal, () => process.listenerCount(signal) === 1 && process.exit(exitCode));
  }
}

process.exitCode = await runCommandLine(process.argv, { clock: Date.now, checkpoint: () => {} });
setTimeout(() => process.exit(), LAST_WRITES_MS).unref();
