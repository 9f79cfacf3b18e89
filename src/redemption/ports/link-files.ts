import type { Link, LinkSecret } from '../../domain/link.js';

/** A Link that a site has been given. */
export interface StoredLink extends Link {
  /** Where it stands, as its keeper calls it. */
  readonly place: string;
  /** Id of the redemption that it came from, where its maker noted it. */
  readonly redemptionId?: string;
}

/** What may be changed of a Link; absent fields stay as they are. */
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

/** The outgoing Links of one site and their Secrets, where its platform reads them. */
export interface LinkFiles {
  /** Every Link, sorted by name. Endpoints that cannot be read are left out. */
  list(): Promise<readonly StoredLink[]>;
  /** The Secret of that name, or undefined. Values that are absent or no base64 are the empty text. */
  findSecret(name: string): Promise<LinkSecret | undefined>;
  /** The proxy that the Secret of that name describes; undefined if there is none, or it has no host and port. */
  findProxy(name: string): Promise<LinkProxy | undefined>;
  /** The Secrets that linkgrant put there: those of Links, and those of the proxies that Links name. */
  ownSecrets(): Promise<readonly { readonly name: string; readonly isProxy: boolean }[]>;
  /** Changes the given fields of a Link at once and keeps everything else; gives where it stands, undefined if there is none. */
  update(name: string, changes: LinkChanges): Promise<string | undefined>;
  /**
   * Puts the credentials and annotations of `secret` into the Secret of that name at once, if its certificate is still
   * `expected` (PEM), and keeps everything else; gives where it stands, undefined if there is none with that certificate.
   */
  replaceCredentials(name: string, expected: string, secret: LinkSecret): Promise<string | undefined>;
  /** Removes a Link or a Secret; gives where it stood, undefined if there is none. */
  remove(kind: 'Link' | 'Secret', name: string): Promise<string | undefined>;
}

/** What the requesting side keeps of redemptions beside their Links. */
export interface LinkRecords {
  /** Removes, key and answer included, what is kept of the redemption that has this id or this certificate; gives how many. */
  remove(redemption: {
    readonly redemptionId?: string | undefined;
    readonly tlsCrt?: string | undefined;
  }): Promise<number>;
}

/** The Links that `name` means: the one called so, else those whose Secret is. */
export function linksNamed(links: readonly StoredLink[], name: string): readonly StoredLink[] {
  const called = links.filter((link) => link.name === name);
  return called.length > 0 ? called : links.filter((link) => link.tlsCredentials === name);
}
