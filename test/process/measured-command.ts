import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Ended, linkgrantProcess, type RunOptions } from '../support/command-line.js';

const PRELOADED = resolve(import.meta.dirname, 'report-usage.mjs');

/** How a command ended and what it used: processor time in ms and the peak of resident memory in MiB. */
export interface MeasuredEnd extends Ended {
  readonly cpuMs: number;
  readonly peakMiB: number;
}

/** Runs the built program as a process to its end and measures it; `usageFile` is a path for the measurement. */
export async function measuredLinkgrant(
  words: readonly string[],
  usageFile: string,
  options: RunOptions = {},
): Promise<MeasuredEnd> {
  const env = { ...options.env, NODE_OPTIONS: `--import=${PRELOADED}`, USAGE_FILE: usageFile };
  const ended = await linkgrantProcess(words, { ...options, env });
  return { ...ended, ...JSON.parse(readFileSync(usageFile, 'utf8')) };
}
