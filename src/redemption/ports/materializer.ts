import type { Link, LinkOverrides, LinkSecret } from '../../domain/link.js';
import type { Checkpoint } from './clock.js';

/** Writes a Link and its Secret for the requesting site's router. */
export interface Materializer {
  /**
   * Checks whether a new link called `name` can be written. Creates a missing directory. Rejects with RedemptionError
   * `not_writable` if the link cannot be written, or if a resource of that name exists.
   */
  probe(name: string): Promise<void>;
  /** Returns the Secret in place under this name if it belongs to the same redemption and was renewed; else undefined. */
  findRenewed(secret: LinkSecret): Promise<LinkSecret | undefined>;
  /**
   * Writes the Secret (with its key), then each Link, so that the written resources are complete at any moment, and returns
   * where they are. Equal and renewed resources in place stay; a resource in place that is not of this redemption is
   * `place_taken`. Calls `checkpoint` with `secret-written` and, after each Link, `link-written`. A Link of this redemption
   * that is in place retains its cost, the Secret that it names, its settings, labels and annotations, and its other fields;
   * `overrides` take precedence.
   */
  materialize(
    secret: LinkSecret,
    links: readonly Link[],
    checkpoint: Checkpoint,
    overrides?: LinkOverrides,
  ): Promise<readonly string[]>;
}
