/** A request that another program made. */
export interface RequestSeed {
  /** The program that created it, and its special property, such as `openssl-p256-bmp-name`. */
  readonly name: string;
  readonly der: Buffer;
}

/** The requests of `test/fixtures/csr`, in the order of their names. */
export function readRequestSeeds(): readonly RequestSeed[];
