import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory, writePrivateFile } from '../../files/private-file.js';
import type { Clock } from '../../redemption/ports/clock.js';
import {
  differingSetting,
  OtherServiceError,
  type ServingLease,
  type SharedSettings,
} from '../../redemption/ports/serving-lease.js';

const BEAT_MS = 1_000;
// Longer than a process that is alive goes without touching its file.
const DEAD_MS = 5_000;
const LOOK_MS = 200;

/**
 * Notes in `directory` that a service with these settings runs, in a file that it touches every second. Any number of
 * services with the same settings may do so at once. Rejects with OtherServiceError while one with others is alive; one
 * that ended without a word counts as alive for five seconds, and is waited for.
 */
export async function takeServingLease(
  directory: string,
  settings: SharedSettings,
  deps: { readonly clock: Clock; readonly sleep: (ms: number) => Promise<unknown> },
): Promise<ServingLease> {
  const { clock } = deps;
  makePrivateDirectory(directory);
  const name = `${randomUUID()}.json`;
  const own = join(directory, name);
  const write = () => writePrivateFile(own, JSON.stringify(settings));
  const others = () => readdirSync(directory).filter((other) => other.endsWith('.json') && other !== name);
  let isHeld = true;
  write();
  const beat = () => {
    const now = clock() / 1000;
    try {
      utimesSync(own, now, now);
    } catch {
      // Removed by a service that took this process for dead, which a suspended one looks like.
      try {
        isHeld = !others().some((other) => differingSetting(settings, readShared(join(directory, other))));
        if (isHeld) write();
      } catch {
        isHeld = false;
      }
    }
  };
  beat();
  const timer = setInterval(beat, BEAT_MS);
  timer.unref();
  const release = () => {
    clearInterval(timer);
    rmSync(own, { force: true });
  };
  try {
    await Promise.all(others().map((other) => outlive(join(directory, other), settings, deps)));
  } catch (error) {
    release();
    throw error;
  }
  return {
    isHeld: () => {
      beat();
      return isHeld;
    },
    release,
  };
}

/** Removes the file of a service that is dead; rejects where it is alive and has other settings. */
async function outlive(
  file: string,
  settings: SharedSettings,
  { clock, sleep }: { readonly clock: Clock; readonly sleep: (ms: number) => Promise<unknown> },
): Promise<void> {
  const touched = touchedAt(file);
  const setting = differingSetting(settings, readShared(file));
  const isOld = touched !== undefined && clock() - touched > DEAD_MS;
  if (setting !== undefined && !isOld) {
    // Its end is seen by what it does, since clocks are set.
    for (let waited = 0; waited < DEAD_MS; waited += LOOK_MS) {
      const now = touchedAt(file);
      if (now === undefined) return;
      if (now !== touched) throw new OtherServiceError(setting);
      await sleep(LOOK_MS);
    }
  }
  if (setting !== undefined || isOld) rmSync(file, { force: true });
}

function touchedAt(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/** What a file holds; nothing where it is gone or damaged. */
function readShared(file: string): SharedSettings {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SharedSettings;
  } catch {
    return {};
  }
}
