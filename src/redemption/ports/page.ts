/** A page of a listing; `next` is passed as `after` for the following page and is absent on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** The part of a listing to return: from its beginning, or after the page that returned `after`. */
export interface PageRequest {
  /** At most this many items; below 1 it is taken as 1, above 1,000 as 1,000. */
  readonly limit: number;
  /** The `next` of an earlier page of the same listing; a RangeError for any other text. */
  readonly after?: string;
}
