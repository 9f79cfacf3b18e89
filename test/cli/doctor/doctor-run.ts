import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type AccessToken, encodeAccessToken } from '../../../src/domain/access-token.js';
import {
  type Ended,
  json,
  linkgrant,
  type RunOptions,
  type Serving,
  type Workplace,
} from '../../support/command-line.js';

/** A check that `doctor` reports. */
interface Check {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
  readonly hint?: string;
}

/** Writes a token into the file token.yaml. Returns the file. */
export function writeToken(place: Workplace, token: AccessToken): string {
  writeFileSync(place.path('token.yaml'), encodeAccessToken(token));
  return place.path('token.yaml');
}

/** Runs `doctor -o json`, and expects a hint for each failure and each warning, and for no other check. */
export async function doctor(
  words: readonly string[],
  options: RunOptions = {},
): Promise<{ checks: Check[]; ended: Ended; failed: [string, string][] }> {
  const ended = await linkgrant(['doctor', ...words, '-o', 'json'], options);
  const checks = json(ended) as Check[];
  for (const { status, hint } of checks) expect(hint !== undefined).toBe(status !== 'ok');
  const failed = checks.filter(({ status }) => status === 'fail');
  return { checks, ended, failed: failed.map(({ name, detail }) => [name, detail]) };
}

/** Starts a standalone service. `words` are the flags with which `doctor` checks it. */
export async function serve(place: Workplace): Promise<{ data: string; serving: Serving; words: string[] }> {
  const data = place.path('data');
  const serving = await place.serve([
    ...['--data-dir', data, '--host', '127.0.0.1', '--endpoint', 'inter-router=127.0.0.1:55671'],
  ]);
  const words = ['--data-dir', data, '--listen', `127.0.0.1:${serving.port}`, '--ops-listen', 'off'];
  return { data, serving, words };
}
