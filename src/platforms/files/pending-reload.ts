import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { syncDirectory, writePrivateFile } from '../../files/private-file.js';
import type { Checkpoint } from '../../redemption/ports/clock.js';
import type { LinkFiles } from '../../redemption/ports/link-files.js';
import type { Materializer } from '../../redemption/ports/materializer.js';
import { directoryLock, type WithDirectoryLock } from './directory-lock.js';
import { type DirectoryPlacing, directoryMaterializer } from './directory-materializer.js';
import { linkDirectory } from './link-directory.js';
import { writing } from './not-writable.js';

// Longer than a reload may take.
const TURN_PATIENCE_MS = 11 * 60_000;

/** How a reload that may be owed went. */
export type ReloadOutcome = 'not-needed' | 'reloaded' | 'owed';

/**
 * The reload that a router needs after files of a directory changed: noted durably before the first of them is written,
 * and taken back when it is done, so that it is neither forgotten by a run that dies nor done once more for nothing.
 */
export class PendingReload {
  readonly #directory: string;
  readonly #place: string;
  readonly #withLock: WithDirectoryLock;

  /**
   * The note is kept in `<data directory>/reloads/`; `place` is the directory that the router reads. A turn that does not
   * come within `patienceMs()` rejects with RedemptionError `busy`.
   */
  constructor(
    dataDirectory: string,
    place: string,
    wait: (milliseconds: number) => Promise<void>,
    patienceMs: () => number = () => TURN_PATIENCE_MS,
  ) {
    const id = createHash('sha256').update(resolve(place)).digest('hex');
    this.#directory = join(dataDirectory, 'reloads', id);
    this.#place = place;
    this.#withLock = directoryLock(this.#directory, wait, patienceMs);
  }

  /** Materializes into the place, one process after another, and notes that a reload is owed if that changes anything. */
  materializer(clock: () => number, placing: DirectoryPlacing): Materializer {
    const inner = directoryMaterializer(this.#place, clock, { ...placing, beforeChange: () => this.#note() });
    return {
      probe: (name) => inner.probe(name),
      findRenewed: (secret) => inner.findRenewed(secret),
      materialize: (...link) => this.#withLock(() => inner.materialize(...link)),
    };
  }

  /** Acts on the links in the place, one process after another, and notes that a reload is owed if that changes any. */
  change<T>(act: (links: LinkFiles) => Promise<T>): Promise<T> {
    return this.#withLock(() => act(linkDirectory(this.#place, (removed) => this.#note(removed))));
  }

  /**
   * Does the reload if one is owed, one process after another; `reload` tells whether it did it. `isLoaded` tells
   * whether the router has all that is in the place all the same, and no Link that was removed, for who reloads by hand.
   */
  settle(
    acts: {
      readonly isLoaded: (removed: readonly string[]) => boolean;
      readonly reload: () => Promise<boolean>;
    },
    checkpoint: Checkpoint,
  ): Promise<ReloadOutcome> {
    return this.#withLock(async () => {
      if (!existsSync(this.#noteFile)) return 'not-needed';
      if (acts.isLoaded(this.#removed())) {
        this.#clear();
        return 'not-needed';
      }
      await checkpoint('before-reload');
      if (!(await acts.reload())) return 'owed';
      await checkpoint('after-reload');
      this.#clear();
      return 'reloaded';
    });
  }

  get #noteFile(): string {
    return join(this.#directory, 'owed');
  }

  /** Notes the place, and below it the name of each Link that was removed. */
  #note(removed?: string): void {
    writing(this.#noteFile, () => {
      const names = new Set([...this.#removed(), ...(removed === undefined ? [] : [removed])]);
      writePrivateFile(this.#noteFile, [this.#place, ...names, ''].join('\n'));
    });
  }

  #removed(): string[] {
    if (!existsSync(this.#noteFile)) return [];
    return readFileSync(this.#noteFile, 'utf8').split('\n').slice(1).filter(Boolean);
  }

  #clear(): void {
    writing(this.#noteFile, () => {
      rmSync(this.#noteFile, { force: true });
      syncDirectory(this.#directory);
    });
  }
}
