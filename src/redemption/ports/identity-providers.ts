import type { IdentityKey } from '../../codes/identity-keys.js';
import type { Clock } from './clock.js';

/** A provider of identities, as the operator of the service configured it. */
export interface IdentityProvider {
  /** Part of each identity, `name:sub`. */
  readonly name: string;
  /** The `iss` of its tokens. Several providers may have the same one. */
  readonly issuer: string;
  /** The `aud` of its tokens. */
  readonly audience: string;
  /** Globs of the `sub` that grants can permit; absent for any. */
  readonly subjects?: readonly string[] | undefined;
  /** True if its tokens must name the key of the certificate request in their audience. */
  readonly isKeyBindingRequired: boolean;
}

/** A provider with its present keys. */
export interface LoadedProvider extends IdentityProvider {
  /** Absent until its keys were fetched for the first time. */
  readonly keys: readonly IdentityKey[] | undefined;
}

/** The checks of an identity token; `csr` and `grant` are those of the redemption. */
export type IdentityCheck =
  | 'form'
  | 'issuer'
  | 'unavailable'
  | 'kid'
  | 'signature'
  | 'subject'
  | 'time'
  | 'audience'
  | 'key_binding'
  | 'csr'
  | 'grant';

/** The configured providers of identities. No method waits for a provider. */
export interface IdentityProviders {
  readonly clock: Clock;
  list(): readonly LoadedProvider[];
  /** Reports a token with a `kid` that a provider of its issuer does not have, so that keys which are fetched are fetched again. */
  reportUnknownKey(issuer: string): void;
  /** Counts a token: accepted, or the check that it failed. `provider` is the one of its issuer; undefined if there is none. */
  countToken(outcome: 'accepted' | IdentityCheck, provider: string | undefined): void;
}
