#!/usr/bin/env node
import { nodeProblem } from './config/supported-node.js';

// A full pipe that no process reads must not keep a finished process running.
const LAST_WRITES_MS = 1_000;

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

async function run(): Promise<void> {
  // An older Node cannot load the modules of the program.
  const { isCompletion, runCommandLine } = await import('./cli/run.js');
  process.exitCode = await runCommandLine(process.argv);
  // The shell waits for a completion, so the completion exits at once, even if a search that exceeded its time limit still runs.
  setTimeout(() => process.exit(), isCompletion(process.argv) ? 0 : LAST_WRITES_MS).unref();
}

const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  // Without `await`: the executable is a CommonJS script.
  void run();
} else {
  process.stderr.write(`error: ${problem}\n`);
  process.exitCode = 1;
}
