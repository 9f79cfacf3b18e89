import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createPrivateFile,
  makePrivateDirectory,
  sweepBeside,
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
import { writing } from '../files/not-writable.js';

// Disk space for an answer, taken before its posting and given back when the answer is there to be kept.
const ROOM = 'room';
const ROOM_BYTES = 128 * 1024;
const POSTED = /^posted-([1-9]\d{0,8})$/;

/**
 * Pending redemptions in `<data directory>/redemptions/<id>/` (0700): `key.pem`, `posted-<number>`, `answer.yaml` and
 * `outcome.json`, all 0600. The first three are made once, by whichever of the processes at work comes first. While the
 * answer of a server that counts every posting is awaited, `room` holds the disk space for it; `repair/` is there once a
 * damaged file was replaced. The `clock` only tells how old left-over temporary files are.
 */
export function pendingDirectories(dataDirectory: string, clock: () => number): OpenPendingRedemption {
  return async (id) => {
    const directory = join(dataDirectory, 'redemptions', id);
    writing(directory, () => {
      makePrivateDirectory(directory);
      chmodSync(directory, 0o700);
      syncDirectory(dirname(directory));
      sweepBeside(directory, clock(), () => true);
    });
    return new PendingDirectory(directory);
  };
}

/** Name of the Secret that redemption `id` was put in place under, whole; undefined while it was not. Makes nothing. */
export function placedSecretName(dataDirectory: string, id: string): string | undefined {
  try {
    const outcome = readFileSync(join(dataDirectory, 'redemptions', id, 'outcome.json'), 'utf8');
    return String((JSON.parse(outcome) as RedemptionOutcome).secret);
  } catch {
    // Redeeming once more spends nothing, and tells what is wrong.
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
    this.#withLock = directoryLock(join(directory, 'repair'), sleep);
  }

  async ensureKey(make: () => Promise<string>): Promise<string> {
    return this.#read('key.pem') ?? this.#publish('key.pem', await make()).content;
  }

  async findAnswer(): Promise<string | undefined> {
    return this.#read('answer.yaml');
  }

  async keepAnswer(text: string): Promise<string> {
    rmSync(join(this.#directory, ROOM), { force: true });
    return this.#publish('answer.yaml', text).content;
  }

  replaceKey(damaged: string, keyPem: string): Promise<string> {
    return this.#replace('key.pem', damaged, keyPem);
  }

  replaceAnswer(damaged: string, text: string): Promise<string> {
    return this.#replace('answer.yaml', damaged, text);
  }

  /** Keeps it: a run beside this one goes by the file, and not by what it has read. */
  async discardKey(): Promise<void> {}

  async discardAnswer(damaged: string): Promise<void> {
    await this.#withLock(async () => {
      if (this.#read('answer.yaml') !== damaged) return;
      writing(this.#directory, () => {
        rmSync(join(this.#directory, 'answer.yaml'), { force: true });
        syncDirectory(this.#directory);
      });
    });
  }

  async findPosting(): Promise<Posting | undefined> {
    const number = this.#lastPosting();
    if (number === 0) return undefined;
    const text = this.#read(`posted-${number}`);
    // Taken back in the meantime: judged anew.
    if (text === undefined) return this.findPosting();
    return { number, at: Date.parse(text.trim()) || 0 };
  }

  async beginPosting({ number, at }: Posting): Promise<boolean> {
    const name = `posted-${number}`;
    if (this.#lastPosting() >= number) return false;
    // What cannot be kept must not be asked for: this answer is given once.
    const room = join(this.#directory, ROOM);
    writing(room, () => writePrivateFile(room, ' '.repeat(ROOM_BYTES)));
    if (!this.#publish(name, `${new Date(at).toISOString()}\n`).made) return false;
    if (this.#lastPosting() === number) return true;
    // A later posting began while this one was being noted.
    await this.cancelPosting(number);
    return false;
  }

  async cancelPosting(number: number): Promise<void> {
    writing(this.#directory, () => {
      rmSync(join(this.#directory, `posted-${number}`), { force: true });
      syncDirectory(this.#directory);
    });
  }

  async keepOutcome(outcome: RedemptionOutcome): Promise<void> {
    const file = join(this.#directory, 'outcome.json');
    writing(file, () => writePrivateFile(file, `${JSON.stringify(outcome, null, 2)}\n`));
  }

  #lastPosting(): number {
    return writing(this.#directory, () =>
      readdirSync(this.#directory).reduce(
        (last, name) => Math.max(last, Number(POSTED.exec(name)?.[1] ?? 0)),
        0,
      ),
    );
  }

  #read(name: string): string | undefined {
    const file = join(this.#directory, name);
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      return writing(file, () => {
        throw error;
      });
    }
  }

  /** Puts `content` in the place of `damaged`, one process after another; gives what is there then. */
  #replace(name: string, damaged: string, content: string): Promise<string> {
    const file = join(this.#directory, name);
    return this.#withLock(async () => {
      const there = this.#read(name);
      if (there !== undefined && there !== damaged) return there;
      writing(file, () => writePrivateFile(file, content));
      return content;
    });
  }

  /** Makes a file that is whole and durable from its first moment on, unless it is there; gives what is there then. */
  #publish(name: string, content: string): { readonly made: boolean; readonly content: string } {
    const file = join(this.#directory, name);
    return writing(file, () => {
      const made = createPrivateFile(file, content);
      return { made, content: made ? content : readFileSync(file, 'utf8') };
    });
  }
}
