import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  createMasterKey,
  decodeMasterKey,
  encodeMasterKey,
  type MasterKey,
} from '../../codes/signing-keys.js';
import { ifExists } from '../../files/file-error.js';
import { createPrivateFile, makePrivateDirectory, syncDirectory } from '../../files/private-file.js';
import type { RotatingCodeKeys, StoredMasterKey } from '../../redemption/ports/code-keys.js';

const FILE = /^([1-9]\d{0,8})\.json$/;
// The kernel sets modification times only to its last timer tick, and that clock may differ a little from this process's clock.
const SETTLED_MS = 2_000;

/**
 * The master keys in `<data directory>/code-keys/<number>.json` (0600). The highest number signs; the lower ones verify older
 * codes. Several processes may use and rotate them concurrently.
 */
export class CodeKeyDirectory implements RotatingCodeKeys {
  readonly #directory: string;
  readonly #clock: () => number;
  #cached: { readonly version: number; readonly keys: readonly StoredMasterKey[] } | undefined;

  constructor(dataDirectory: string, clock: () => number) {
    this.#directory = join(dataDirectory, 'code-keys');
    this.#clock = clock;
  }

  async current(): Promise<MasterKey> {
    return this.list()[0] ?? this.#createAfter(0);
  }

  async find(kid: string): Promise<MasterKey | undefined> {
    return this.list().find((key) => key.kid === kid);
  }

  list(): readonly StoredMasterKey[] {
    // Keys are created and deleted as whole files, which always changes the directory's modification time.
    const version = statSync(this.#directory, { throwIfNoEntry: false })?.mtimeMs;
    if (version === undefined) return [];
    if (this.#cached?.version !== version) {
      const keys = this.#numbers().flatMap((number) => this.#findKey(number) ?? []);
      // A second change within the resolution of the modification time would not be noticed, so do not cache yet.
      if (this.#clock() - version < SETTLED_MS) return keys;
      this.#cached = { version, keys };
    }
    return this.#cached.keys;
  }

  rotate(): MasterKey {
    return this.#createAfter(this.#numbers()[0] ?? 0);
  }

  remove(kid: string): void {
    for (const number of this.#numbers().slice(1)) {
      if (this.#findKey(number)?.kid === kid) rmSync(this.#fileOf(number), { force: true });
    }
    syncDirectory(this.#directory);
  }

  #createAfter(last: number): MasterKey {
    makePrivateDirectory(this.#directory);
    // If another process has created this number first, its key is used.
    createPrivateFile(this.#fileOf(last + 1), `${encodeMasterKey(createMasterKey(), this.#clock())}\n`);
    const created = this.#findKey(last + 1);
    if (!created) throw new Error(`${this.#fileOf(last + 1)} was removed directly after it was created`);
    return created;
  }

  #fileOf(number: number): string {
    return join(this.#directory, `${number}.json`);
  }

  #numbers(): number[] {
    if (!existsSync(this.#directory)) return [];
    const numbers = readdirSync(this.#directory).flatMap((name) => FILE.exec(name)?.[1] ?? []);
    return numbers.map(Number).sort((a, b) => b - a);
  }

  /** The key of that number; undefined if it was removed meanwhile. */
  #findKey(number: number): StoredMasterKey | undefined {
    const file = this.#fileOf(number);
    const text = ifExists(() => readFileSync(file, 'utf8'));
    return text === undefined ? undefined : decodeMasterKey(text, file);
  }
}
