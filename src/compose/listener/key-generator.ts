import { generateKey, type NewKey, type ServerKeyType } from '../../pki/keys.js';
import type { KeySource } from '../../redemption/accepting/requested-key.js';
import { Semaphore } from '../../time/semaphore.js';

// Half of libuv's four threads, so that file and DNS operations still get a thread while RSA keys are generated.
const CONCURRENT_RSA_KEYS = 2;

/** Generates keys on demand; at most two RSA keys at a time, with a bounded queue. */
export class KeyGenerator implements KeySource {
  readonly type: ServerKeyType;
  readonly #maxQueued: number;
  readonly #rsaKeys = new Semaphore(CONCURRENT_RSA_KEYS);

  /** `maxQueued`: the maximum number of requests that wait for an RSA key. */
  constructor(type: ServerKeyType, maxQueued: number) {
    this.type = type;
    this.#maxQueued = maxQueued;
  }

  /** Generates a key; undefined if it is RSA and the queue is full. */
  async generate(): Promise<NewKey | undefined> {
    if (this.type === 'p256') return generateKey(this.type);
    return this.#rsaKeys.hasRoom(this.#maxQueued)
      ? this.#rsaKeys.run(() => generateKey(this.type))
      : undefined;
  }
}
