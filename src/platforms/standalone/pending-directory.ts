import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ifExists } from '../../files/file-error.js';
import {
  createPrivateFile,
  makePrivateDirectory,
  sweepStaleFiles,
  syncDirectory,
  writePrivateFile,
} from '../../files/private-file.js';
import type {
  OpenPendingRedemption,
  PendingRedemption,
  Posting,
  RedemptionOutcome,
} from '../../redemption/ports/pending-redemption.js';
import { directoryLock, type WithDirectoryLock } from '../files/directory-lock.js';
import { withWriteErrors } from '../files/not-writable.js';

// Reserves disk space for the response of a posting; removed when the response is stored.
const ROOM = 'room';
const ROOM_BYTES = 128 * 1024;
const POSTED = /^posted-([1-9]\d{0,8})$/;

/**
 * Pending redemptions in `<data directory>/redemptions/<id>/` (0700): `key.pem`, `posted-<number>`, `answer.yaml` and
 * `outcome.json`, all 0600. The first three are created exclusively: the first of concurrent processes wins. `room` reserves
 * disk space for the response of a server that counts every posting. `repair/` has the lock that a process acquires before it
 * removes a damaged file. The `clock` determines the age of left-over temporary files.
 */
export function pendingDirectories(dataDirectory: string, clock: () => number): OpenPendingRedemption {
  return async (id) => {
    const directory = join(dataDirectory, 'redemptions', id);
    withWriteErrors(directory, () => {
      makePrivateDirectory(directory);
      chmodSync(directory, 0o700);
      syncDirectory(dirname(directory));
      sweepStaleFiles(directory, clock(), () => true);
    });
    return new PendingDirectory(directory);
  };
}

/** Returns the name of the Secret of redemption `id` if its link is completely written; else undefined. Creates nothing. */
export function placedSecretName(dataDirectory: string, id: string): string | undefined {
  try {
    const outcome = readFileSync(join(dataDirectory, 'redemptions', id, 'outcome.json'), 'utf8');
    return String((JSON.parse(outcome) as RedemptionOutcome).secret);
  } catch {
    // The caller then redeems the token. A repeated redemption spends no further use, and reports an unreadable file.
    return undefined;
  }
}

class PendingDirectory implements PendingRedemption {
  readonly places: PendingRedemption['places'];
  readonly #directory: string;
  readonly #withLock: WithDirectoryLock;

  constructor(directory: string) {
    this.#directory = directory;
    this.places = { key: join(directory, 'key.pem'), answer: join(directory, 'answer.yaml') };
    this.#withLock = directoryLock(join(directory, 'repair'));
  }

  async ensureKey(make: () => Promise<string>): Promise<string> {
    return this.#read('key.pem') ?? this.#publish('key.pem', await make()).content;
  }

  async findAnswer(): Promise<string | undefined> {
    return this.#read('answer.yaml');
  }

  async storeAnswer(text: string): Promise<string> {
    rmSync(join(this.#directory, ROOM), { force: true });
    return this.#publish('answer.yaml', text).content;
  }

  async discard(part: 'key' | 'answer', content: string): Promise<void> {
    const file = this.places[part];
    await this.#withLock(async () => {
      if (this.#read(basename(file)) !== content) return;
      withWriteErrors(file, () => {
        rmSync(file, { force: true });
        syncDirectory(this.#directory);
      });
    });
  }

  /** Removes nothing: a concurrent run may have read the key, and expects that the file still exists. */
  async discardUnusedKey(): Promise<void> {}

  async findPosting(): Promise<Posting | undefined> {
    const number = this.#lastPosting();
    if (number === 0) return undefined;
    const text = this.#read(`posted-${number}`);
    // Another process has cancelled this posting meanwhile.
    if (text === undefined) return this.findPosting();
    return { number, at: Date.parse(text.trim()) || 0 };
  }

  async beginPosting({ number, at }: Posting): Promise<boolean> {
    const name = `posted-${number}`;
    if (this.#lastPosting() >= number) return false;
    // The server sends this response once, so reserve the disk space for it first.
    const room = join(this.#directory, ROOM);
    withWriteErrors(room, () => writePrivateFile(room, ' '.repeat(ROOM_BYTES)));
    if (!this.#publish(name, `${new Date(at).toISOString()}\n`).isNew) return false;
    if (this.#lastPosting() === number) return true;
    // A later posting began while this one was being recorded.
    await this.cancelPosting(number);
    return false;
  }

  async cancelPosting(number: number): Promise<void> {
    withWriteErrors(this.#directory, () => {
      rmSync(join(this.#directory, `posted-${number}`), { force: true });
      syncDirectory(this.#directory);
    });
  }

  async storeOutcome(outcome: RedemptionOutcome): Promise<void> {
    const file = join(this.#directory, 'outcome.json');
    withWriteErrors(file, () => writePrivateFile(file, `${JSON.stringify(outcome, null, 2)}\n`));
  }

  #lastPosting(): number {
    return withWriteErrors(this.#directory, () =>
      readdirSync(this.#directory).reduce(
        (last, name) => Math.max(last, Number(POSTED.exec(name)?.[1] ?? 0)),
        0,
      ),
    );
  }

  #read(name: string): string | undefined {
    const file = join(this.#directory, name);
    return withWriteErrors(file, () => ifExists(() => readFileSync(file, 'utf8')));
  }

  /** Creates a file atomically and durably unless it exists. Returns the content of the file. */
  #publish(name: string, content: string): { readonly isNew: boolean; readonly content: string } {
    const file = join(this.#directory, name);
    return withWriteErrors(file, () => {
      const isNew = createPrivateFile(file, content);
      return { isNew, content: isNew ? content : readFileSync(file, 'utf8') };
    });
  }
}
