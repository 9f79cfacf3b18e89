import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { visibleNamesIn } from '../../files/directory-names.js';
import { makePrivateDirectory, writePrivateFile } from '../../files/private-file.js';
import type { Clock } from '../../redemption/ports/clock.js';
import {
  differingSetting,
  OtherServiceError,
  type ServingLease,
  type SharedSettings,
} from '../../redemption/ports/serving-lease.js';

const HEARTBEAT_MS = 1_000;
// A file that was not updated for this long belongs to a process that no longer runs. Exceeds HEARTBEAT_MS.
const STALE_AFTER_MS = 5_000;
const POLL_MS = 200;

/**
 * Creates a lease file with these settings in `directory`, and updates its modification time every second. Services with the
 * same settings can run at the same time. Rejects with OtherServiceError while a service with other settings runs. The file of
 * a crashed service becomes stale after five seconds; if its settings differ, this function waits until then.
 */
export async function acquireServingLease(
  directory: string,
  settings: SharedSettings,
  clock: Clock,
): Promise<ServingLease> {
  makePrivateDirectory(directory);
  const name = `${randomUUID()}.json`;
  const ownFile = join(directory, name);
  const write = () => writePrivateFile(ownFile, JSON.stringify(settings));
  const others = () => readdirSync(directory).filter((other) => other.endsWith('.json') && other !== name);
  let isHeld = true;
  write();
  const heartbeat = () => {
    const now = clock() / 1000;
    try {
      utimesSync(ownFile, now, now);
    } catch {
      // Another service removed the file as stale, because this process was suspended.
      try {
        isHeld = !others().some((other) => differingSetting(settings, readShared(join(directory, other))));
        if (isHeld) write();
      } catch {
        isHeld = false;
      }
    }
  };
  heartbeat();
  const timer = setInterval(heartbeat, HEARTBEAT_MS);
  timer.unref();
  const release = () => {
    clearInterval(timer);
    rmSync(ownFile, { force: true });
  };
  try {
    await Promise.all(others().map((other) => removeStaleLease(join(directory, other), settings, clock)));
  } catch (error) {
    release();
    throw error;
  }
  return {
    renew: () => {
      heartbeat();
      return isHeld;
    },
    release,
  };
}

/** True if a service with a lease in `directory` runs, or ended less than five seconds ago without releasing it. */
export function isServed(directory: string, clock: Clock): boolean {
  const leases = visibleNamesIn(directory).filter((name) => name.endsWith('.json'));
  return leases.some((name) => clock() - (readMtimeMs(join(directory, name)) ?? 0) <= STALE_AFTER_MS);
}

/**
 * Removes `file` if its service no longer runs; waits up to five seconds to find out. Rejects with OtherServiceError if the
 * service runs with other settings.
 */
async function removeStaleLease(file: string, settings: SharedSettings, clock: Clock): Promise<void> {
  const mtimeMs = readMtimeMs(file);
  const setting = differingSetting(settings, readShared(file));
  const isOld = mtimeMs !== undefined && clock() - mtimeMs > STALE_AFTER_MS;
  if (setting !== undefined && !isOld) {
    // A recent mtime does not prove that the service still runs: wait for a heartbeat.
    for (let waited = 0; waited < STALE_AFTER_MS; waited += POLL_MS) {
      const newMtimeMs = readMtimeMs(file);
      if (newMtimeMs === undefined) return;
      if (newMtimeMs !== mtimeMs) throw new OtherServiceError(setting);
      await sleep(POLL_MS);
    }
  }
  if (setting !== undefined || isOld) rmSync(file, { force: true });
}

function readMtimeMs(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/** Reads the settings in a lease file; `{}` if it is absent or damaged. */
function readShared(file: string): SharedSettings {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SharedSettings;
  } catch {
    return {};
  }
}
