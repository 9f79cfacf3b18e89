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
// Longer than the interval in which a running process touches its file.
const DEAD_MS = 5_000;
const POLL_MS = 200;

/**
 * Records in `directory` that a service with these settings runs, in a file that it touches every second. Services with the
 * same settings may run at once. Rejects with OtherServiceError while a service with other settings runs. A service that
 * crashed counts as running for five seconds, and this function waits that long.
 */
export async function acquireServingLease(
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
      // Another service removed the file, because this process was suspended and looked dead.
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

/** Removes the file of a service that has ended; rejects if it runs with other settings. */
async function outlive(
  file: string,
  settings: SharedSettings,
  { clock, sleep }: { readonly clock: Clock; readonly sleep: (ms: number) => Promise<unknown> },
): Promise<void> {
  const touched = touchedAt(file);
  const setting = differingSetting(settings, readShared(file));
  const isOld = touched !== undefined && clock() - touched > DEAD_MS;
  if (setting !== undefined && !isOld) {
    // Observe whether it touches its file, because the clock may have been set.
    for (let waited = 0; waited < DEAD_MS; waited += POLL_MS) {
      const now = touchedAt(file);
      if (now === undefined) return;
      if (now !== touched) throw new OtherServiceError(setting);
      await sleep(POLL_MS);
    }
  }
  if (setting !== undefined || isOld) rmSync(file, { force: true });
}

function touchedAt(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/** Reads the settings in a file; none if it is absent or damaged. */
function readShared(file: string): SharedSettings {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SharedSettings;
  } catch {
    return {};
  }
}
