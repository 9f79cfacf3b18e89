import type { MasterKey } from '../../codes/signing-keys.js';

/** The master keys that the signed codes of a service's grants come from. */
export interface CodeKeys {
  /** The key that new codes are signed under; made on first use. */
  current(): Promise<MasterKey>;
  /** The key of that id, also one that signs nothing new; undefined if there is none, or none any more. */
  find(kid: string): Promise<MasterKey | undefined>;
}

/** A master key that is kept, and since when, in milliseconds since the epoch. */
export interface KeptMasterKey extends MasterKey {
  readonly createdAt: number;
}

/** Master keys that can be changed. */
export interface RotatingCodeKeys extends CodeKeys {
  /** Every key, the newest, which signs, first. */
  list(): readonly KeptMasterKey[] | Promise<readonly KeptMasterKey[]>;
  /** Makes a new key, which signs from now on, and gives it. */
  rotate(): MasterKey | Promise<MasterKey>;
  /** Removes a key, so that what was signed with it is refused; the one that signs stays. */
  remove(kid: string): void | Promise<void>;
}
