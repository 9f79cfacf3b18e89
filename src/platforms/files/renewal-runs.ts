import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DAY_MS } from '../../domain/duration.js';
import { makePrivateDirectory, writePrivateFile } from '../../files/private-file.js';
import { sha256Hex } from '../../pki/sha256.js';
import { withWriteErrors } from './not-writable.js';

// A timer runs once a day or more often; it may start later after a night without power.
const RECENT_MS = 2 * DAY_MS;

/**
 * The last run of a program that renews every link of a directory that is due, such as `link renew --all` of a timer. The record
 * is in `<data directory>/renewal-runs/`.
 */
export class RenewalRuns {
  readonly #directory: string;
  readonly #file: string;

  constructor(dataDirectory: string, linkDirectory: string) {
    this.#directory = join(dataDirectory, 'renewal-runs');
    this.#file = join(this.#directory, sha256Hex(resolve(linkDirectory)));
  }

  /** Records a run at `now`. Throws RedemptionError `not_writable`. */
  record(now: number): void {
    withWriteErrors(this.#file, () => {
      makePrivateDirectory(this.#directory);
      writePrivateFile(this.#file, `${new Date(now).toISOString()}\n`);
    });
  }

  /** True if the last run was at most two days before `now`, so that a timer probably exists. */
  isRecent(now: number): boolean {
    try {
      return now - Date.parse(readFileSync(this.#file, 'utf8').trim()) <= RECENT_MS;
    } catch {
      return false;
    }
  }
}
