/** A request that another program made. */
export interface RequestSeed {
  /** Who made it, and what is particular about it. */
  readonly name: string;
  readonly der: Buffer;
}

/** The requests of `test/fixtures/csr`, in the order of their names. */
export function readRequestSeeds(): readonly RequestSeed[];
