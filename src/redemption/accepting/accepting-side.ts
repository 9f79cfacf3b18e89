import type { issueClientCertificate } from '../../pki/certificates.js';
import type { Checkpoint, Clock } from '../ports/clock.js';
import type { CodeKeys } from '../ports/code-keys.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IdentityProviders } from '../ports/identity-providers.js';
import type { Site } from '../ports/site.js';
import type { ServiceAddressSource } from './link-answer.js';
import type { KeySource } from './requested-key.js';
import type { StockReplay } from './stock-replay.js';

/**
 * The parts of the accepting side that all requests share. Created when the service starts, and for a request that an operator
 * answers without a network.
 */
export interface AcceptingSide {
  readonly store: GrantStore;
  readonly site: Site;
  readonly service: ServiceAddressSource;
  readonly codeKeys: CodeKeys;
  /** Absent if no provider of identities is configured. */
  readonly identities?: IdentityProviders | undefined;
  readonly keys: KeySource;
  readonly issueCertificate: typeof issueClientCertificate;
  /** Decides when a generated private key may be returned again. */
  readonly stockReplay: StockReplay;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  /** Called when the ledger could not record an attempt of a request; the request is answered normally. */
  readonly onLedgerFailure: (error: unknown, requestId: string) => void;
}

/** The client that sent a request. */
export interface RequestingClient {
  /** Its address, as text. If an operator answers a request without a network, `operator:` followed by the actor. */
  readonly peer: string;
  /** True for an operator, who has no source address. */
  readonly isOperator?: boolean;
  /** Id of the request in the log. */
  readonly requestId: string;
  /** Called once the client has proven that it has a code or, in a renewal, a link's key. */
  onProven(): void;
  /** Resolves with false if the client has closed its connection, so that it could not receive a certificate. */
  isConnected(): Promise<boolean>;
}
