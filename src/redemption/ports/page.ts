/** A page of a listing. To get the next page, pass `next` as `after`; the last page has no `next`. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** A request for the first page of a listing, or for the page after the one that returned `after`. */
export interface PageRequest {
  /** Maximum number of items; a number below 1 means 1, a number above 1,000 means 1,000. */
  readonly limit: number;
  /** The `next` of an earlier page of the same listing. For any other text the listing fails with a RangeError. */
  readonly after?: string;
}
