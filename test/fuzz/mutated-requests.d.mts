/** A certificate request after its mutations. */
export interface MutatedRequest {
  /** Name of the request that it was made from. */
  readonly from: string;
  /** Names of the mutations, in order; `signed` comes first if the result was signed after them. */
  readonly kinds: readonly string[];
  readonly der: Buffer;
}

/** Makes `count` requests out of the real ones, one to three changes each; the same ones for the same `seed`. */
export function mutatedRequests(count: number, seed: number): Generator<MutatedRequest>;
