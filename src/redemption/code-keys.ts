import type { MasterKey } from '../codes/signing-keys.js';

/** The master keys that the signed codes of a service's grants come from. */
export interface CodeKeys {
  /** The key that new codes are signed under; made on first use. */
  current(): Promise<MasterKey>;
  /** The key of that id, also one that signs nothing new; undefined if there is none, or none any more. */
  find(kid: string): Promise<MasterKey | undefined>;
}
