import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createMasterKey, type MasterKey } from '../../codes/signing-keys.js';
import { createPrivateFile, makePrivateDirectory, syncDirectory } from '../../files/private-file.js';
import type { CodeKeys } from '../../redemption/code-keys.js';

/** A master key that is kept, and since when, in milliseconds since the epoch. */
export interface KeptMasterKey extends MasterKey {
  readonly createdAt: number;
}

const FILE = /^([1-9]\d{0,8})\.json$/;

/**
 * The master keys in `<data directory>/code-keys/<number>.json` (0600, a JSON Web Key of type `oct`, RFC 7518 §6.4). The
 * highest number signs; those below verify what was signed before. Several processes may use and rotate them at once.
 */
export class CodeKeyDirectory implements CodeKeys {
  readonly #directory: string;
  readonly #clock: () => number;
  #read: { readonly version: number; readonly keys: readonly KeptMasterKey[] } | undefined;

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

  /** Every key, the newest, which signs, first. */
  list(): readonly KeptMasterKey[] {
    // A key is made and removed whole, and so never without the directory's time changing.
    const version = statSync(this.#directory, { throwIfNoEntry: false })?.mtimeMs;
    if (version === undefined) return [];
    if (this.#read?.version !== version) {
      this.#read = { version, keys: this.#numbers().map((number) => this.#readKey(number)) };
    }
    return this.#read.keys;
  }

  /** Makes a new key, which signs from now on, and gives it. */
  rotate(): MasterKey {
    return this.#createAfter(this.#numbers()[0] ?? 0);
  }

  /** Removes a key, so that what was signed with it is refused; the one that signs stays. */
  remove(kid: string): void {
    for (const number of this.#numbers().slice(1)) {
      if (this.#readKey(number).kid === kid) rmSync(this.#fileOf(number), { force: true });
    }
    syncDirectory(this.#directory);
  }

  #createAfter(last: number): MasterKey {
    makePrivateDirectory(this.#directory);
    const { kid, key } = createMasterKey();
    const k = Buffer.from(key).toString('base64url');
    const jwk = { kty: 'oct', alg: 'HS256', kid, k, createdAt: new Date(this.#clock()).toISOString() };
    // Whoever comes second uses what the first one made.
    createPrivateFile(this.#fileOf(last + 1), `${JSON.stringify(jwk)}\n`);
    return this.#readKey(last + 1);
  }

  #fileOf(number: number): string {
    return join(this.#directory, `${number}.json`);
  }

  #numbers(): number[] {
    if (!existsSync(this.#directory)) return [];
    const numbers = readdirSync(this.#directory).flatMap((name) => FILE.exec(name)?.[1] ?? []);
    return numbers.map(Number).sort((a, b) => b - a);
  }

  #readKey(number: number): KeptMasterKey {
    const file = this.#fileOf(number);
    const jwk: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const { kty, kid, k, createdAt } = jwk as Readonly<Record<string, unknown>>;
    const key = typeof k === 'string' ? Buffer.from(k, 'base64url') : Buffer.alloc(0);
    if (kty !== 'oct' || typeof kid !== 'string' || key.length < 32) {
      throw new Error(`${file} is no key for signing codes`);
    }
    return { kid, key, createdAt: Date.parse(String(createdAt)) };
  }
}
