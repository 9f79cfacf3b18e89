import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { syncDirectory, writePrivateFile } from '../../files/private-file.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { Checkpoint } from '../../redemption/ports/clock.js';
import type { LinkFiles } from '../../redemption/ports/link-files.js';
import type { Materializer } from '../../redemption/ports/materializer.js';
import { directoryLock, type WithDirectoryLock } from './directory-lock.js';
import { type DirectoryOptions, directoryMaterializer } from './directory-materializer.js';
import { linkDirectory } from './link-directory.js';
import { withWriteErrors } from './not-writable.js';

// Longer than a reload may take.
const LOCK_TIMEOUT_MS = 11 * 60_000;

/** The outcome of a pending reload. */
export type ReloadOutcome = 'not-needed' | 'reloaded' | 'pending';

/** The result of a reload command. `interrupted`: it was stopped before its end. `failed`: it failed, or was not run. */
export type ReloadResult = 'done' | 'failed' | 'interrupted';

/**
 * The reload that a router needs after a change of files in a directory. It is recorded durably before the first file is
 * written, and the record is removed after the reload, so that a crash does not lose it.
 */
export class PendingReload {
  readonly #recordDirectory: string;
  readonly #routerDirectory: string;
  readonly #withLock: WithDirectoryLock;

  /**
   * The record is in `<data directory>/reloads/`. The methods reject with RedemptionError `busy` if the lock is not free within
   * `patienceMs()`.
   */
  constructor(
    dataDirectory: string,
    routerDirectory: string,
    patienceMs: () => number = () => LOCK_TIMEOUT_MS,
  ) {
    const id = sha256Hex(resolve(routerDirectory));
    this.#recordDirectory = join(dataDirectory, 'reloads', id);
    this.#routerDirectory = routerDirectory;
    this.#withLock = directoryLock(this.#recordDirectory, patienceMs);
  }

  /** Returns a materializer that writes into the directory under its lock, and records a pending reload if files change. */
  materializer(clock: () => number, directoryOptions: DirectoryOptions): Materializer {
    const inner = directoryMaterializer(this.#routerDirectory, clock, {
      ...directoryOptions,
      beforeChange: () => this.#record(),
    });
    return { ...inner, materialize: (...link) => this.#withLock(() => inner.materialize(...link)) };
  }

  /** Changes links in the directory under its lock, and records a pending reload if files change. */
  change<T>(operation: (links: LinkFiles) => Promise<T>): Promise<T> {
    return this.#withLock(() =>
      operation(linkDirectory(this.#routerDirectory, (removed) => this.#record(removed))),
    );
  }

  /**
   * Reloads under the lock if a reload is pending. `isLoaded` returns true if the router has loaded the present files and none of
   * the removed Links, because an operator has reloaded it by hand. After an interrupted reload `isLoaded` is not called: that
   * reload may have replaced the loaded files and stopped the router. `reload` is then called with true.
   */
  settle(
    router: {
      readonly isLoaded: (removed: readonly string[]) => boolean;
      readonly reload: (wasInterrupted: boolean) => Promise<ReloadResult>;
    },
    checkpoint: Checkpoint,
  ): Promise<ReloadOutcome> {
    return this.#withLock(async () => {
      if (!existsSync(this.#recordFile)) return 'not-needed';
      const wasInterrupted = existsSync(this.#startedFile);
      if (!this.isNeeded(router.isLoaded)) {
        this.#clear();
        return 'not-needed';
      }
      await checkpoint('before-reload');
      withWriteErrors(this.#startedFile, () => writePrivateFile(this.#startedFile, ''));
      const result = await router.reload(wasInterrupted);
      if (result === 'done' || (result === 'failed' && !wasInterrupted)) {
        withWriteErrors(this.#startedFile, () => rmSync(this.#startedFile, { force: true }));
      }
      if (result !== 'done') return 'pending';
      await checkpoint('after-reload');
      this.#clear();
      return 'reloaded';
    });
  }

  /** True if {@link settle} would reload, with the same `isLoaded`. Changes no file. */
  isNeeded(isLoaded: (removed: readonly string[]) => boolean): boolean {
    if (!existsSync(this.#recordFile)) return false;
    return existsSync(this.#startedFile) || !isLoaded(this.#removedLinks());
  }

  get #recordFile(): string {
    return join(this.#recordDirectory, 'pending');
  }

  /** Exists during a reload, and from an interrupted reload until one succeeds. */
  get #startedFile(): string {
    return join(this.#recordDirectory, 'started');
  }

  /** Records the directory and the names of the deleted Links, one in each line. */
  #record(removedLink?: string): void {
    withWriteErrors(this.#recordFile, () => {
      const names = new Set(this.#removedLinks());
      if (removedLink !== undefined) names.add(removedLink);
      writePrivateFile(this.#recordFile, [this.#routerDirectory, ...names, ''].join('\n'));
    });
  }

  #removedLinks(): string[] {
    if (!existsSync(this.#recordFile)) return [];
    return readFileSync(this.#recordFile, 'utf8').split('\n').slice(1).filter(Boolean);
  }

  #clear(): void {
    withWriteErrors(this.#recordFile, () => {
      rmSync(this.#recordFile, { force: true });
      syncDirectory(this.#recordDirectory);
    });
  }
}
