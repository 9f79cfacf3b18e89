import type { Link, LinkSecret } from '../../domain/link.js';

/** A Link of a site. */
export interface StoredLink extends Link {
  /** Its file or resource, for messages. */
  readonly place: string;
  /** Id of its redemption, if the Link records it. */
  readonly redemptionId?: string;
}

/** A Secret of a site. */
export interface StoredSecret extends LinkSecret {
  /** Its file or resource, for messages. */
  readonly place: string;
}

/** Changes to a Link; absent fields stay unchanged. */
export interface LinkChanges {
  readonly cost?: number | undefined;
  readonly tlsCredentials?: string | undefined;
}

/** An HTTP proxy that a Link goes through. The password is a secret. */
export interface LinkProxy {
  /** Name of its Secret. */
  readonly name: string;
  readonly host: string;
  readonly port: string;
  readonly username?: string;
  readonly password?: string;
}

/** The outgoing Links of one site and their Secrets, at the location that its platform reads. */
export interface LinkFiles {
  /** Every Link, sorted by name. Endpoints that cannot be read are omitted. */
  list(): Promise<readonly StoredLink[]>;
  /** The Secret of that name, or undefined. Values that are absent or not base64 become empty. */
  findSecret(name: string): Promise<StoredSecret | undefined>;
  /** Why `findSecret` finds no Secret of that name, as a sentence without its full stop. */
  explainMissingSecret(name: string): Promise<string>;
  /** The proxy that the Secret of that name describes; undefined if it does not exist or has no host or port. */
  findProxy(name: string): Promise<LinkProxy | undefined>;
  /** The Secrets that linkgrant wrote: those of Links, and those of the proxies that Links name. */
  ownSecrets(): Promise<readonly { readonly name: string; readonly isProxy: boolean }[]>;
  /** Changes fields of a Link atomically, and nothing else. Returns its location; undefined if there is no such resource. */
  update(name: string, changes: LinkChanges): Promise<string | undefined>;
  /**
   * Writes the credentials and annotations of `secret` to the Secret of that name atomically if its certificate is still
   * `expected` (PEM), and changes nothing else. Returns its location; undefined if no Secret has that certificate.
   */
  replaceCredentials(name: string, expected: string, secret: LinkSecret): Promise<string | undefined>;
  /** Deletes a Link or a Secret. Returns its location; undefined if there is no such resource. */
  remove(kind: 'Link' | 'Secret', name: string): Promise<string | undefined>;
}

/** The redemption of a link, by its id or its certificate (PEM). */
export interface LinkRedemption {
  readonly redemptionId?: string | undefined;
  readonly tlsCrt?: string | undefined;
}

/** The requesting side's stored state of redemptions, beside their Links. */
export interface LinkRecords {
  /** Returns the number of records that `remove` would delete. */
  count(redemption: LinkRedemption): Promise<number>;
  /** Deletes the stored state of a redemption, with key and response. Returns the number of deleted records. */
  remove(redemption: LinkRedemption): Promise<number>;
}

/** Returns the Link with this name; if there is no such Link, the Links whose Secret has this name. */
export function linksNamed(links: readonly StoredLink[], name: string): readonly StoredLink[] {
  const sameName = links.filter((link) => link.name === name);
  return sameName.length > 0 ? sameName : links.filter((link) => link.tlsCredentials === name);
}
