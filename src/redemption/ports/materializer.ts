import type { Link, LinkOverrides, LinkSecret } from '../../domain/link.js';
import type { Checkpoint } from './clock.js';

/** The locations of the resources of a link, as the materializer names them. */
export interface MaterializedResources {
  /** The Secret and the Links, including those that were in place; in a directory also the proxy's Secret if it changed. */
  readonly written: readonly string[];
  /** The resources that this run created or changed. */
  readonly changed: readonly string[];
}

/** Writes a Link and its Secret for the requesting site's router. */
export interface Materializer {
  /**
   * Checks whether a new link called `name` can be written. Creates a missing directory. Rejects with RedemptionError
   * `not_writable` if it cannot be, `place_taken` if a resource of that name may not be replaced.
   */
  probe(name: string): Promise<void>;
  /**
   * Returns the stored Secret with the name of `secret` if it belongs to the same redemption and its certificate was renewed;
   * else undefined.
   */
  findRenewed(secret: LinkSecret): Promise<LinkSecret | undefined>;
  /**
   * Writes the Secret (with its key) before the Links, so that no Link names a missing Secret. A Secret that is equal, or was
   * renewed, stays unchanged. In an existing Link of this redemption only the endpoints and the fields in `overrides` are
   * replaced. Rejects with RedemptionError `place_taken` if a resource of that name belongs to another redemption. Calls
   * `checkpoint` with `secret-written` and, after each Link, `link-written`.
   */
  materialize(
    secret: LinkSecret,
    links: readonly Link[],
    checkpoint: Checkpoint,
    overrides?: LinkOverrides,
  ): Promise<MaterializedResources>;
}
