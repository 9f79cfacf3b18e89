import { formatNamespacedName, type Stored } from '../api/resource.js';
import { timeOf } from '../api/timestamp.js';
import { namespaceOf } from '../controller/fair-queue.js';
import type { ObjectSink } from '../controller/informer.js';
import {
  type AccessTokenResource,
  finalReason,
  redeemedCondition,
  tokenVersion,
} from './access-token-resource.js';

/** The fields of an AccessToken that determine whether it has to be processed. */
export interface TokenFacts {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  /** See {@link tokenVersion}. */
  readonly version: string;
  /** `open` if the token still has to be processed. */
  readonly state: 'open' | 'redeemed' | 'refused' | 'unknown';
  /** When it was redeemed, in milliseconds since the epoch; null if it was not. */
  readonly redeemedAt: number | null;
}

/** Extracts the facts of an AccessToken. Its code is not retained. */
export function readTokenFacts(token: Stored<AccessTokenResource>): TokenFacts {
  const { namespace = '', name } = token.metadata;
  const reason = finalReason(token);
  const isRedeemed = reason === 'Ready';
  return {
    key: formatNamespacedName({ namespace, name }),
    namespace,
    version: tokenVersion(token),
    state: isRedeemed ? 'redeemed' : reason === 'Refused' ? 'refused' : reason ? 'unknown' : 'open',
    redeemedAt: isRedeemed ? timeOf(redeemedCondition(token)?.lastTransitionTime) : null,
  };
}

/** The AccessTokens of a cluster, as last reported by the informer. */
export class TokenIndex implements ObjectSink<TokenFacts> {
  readonly #byNamespace = new Map<string, Map<string, TokenFacts>>();
  readonly #onChange: (key: string, isNewVersion: boolean) => void;

  /**
   * `onChange` is called for each token that a listing or a watch event contains, and for each deleted token. `isNewVersion` is
   * true if the token is new or its spec has changed.
   */
  constructor(onChange: (key: string, isNewVersion: boolean) => void) {
    this.#onChange = onChange;
  }

  replace(tokens: readonly TokenFacts[]): void {
    const before = new Map([...this.all()].map((facts) => [facts.key, facts]));
    this.#byNamespace.clear();
    for (const facts of tokens) this.#put(facts, before.get(facts.key));
    for (const key of before.keys()) if (!this.find(key)) this.#onChange(key, false);
  }

  put(facts: TokenFacts): void {
    this.#put(facts, this.find(facts.key));
  }

  remove({ key, namespace }: TokenFacts): void {
    const tokens = this.#byNamespace.get(namespace);
    tokens?.delete(key);
    if (tokens?.size === 0) this.#byNamespace.delete(namespace);
    this.#onChange(key, false);
  }

  find(key: string): TokenFacts | undefined {
    return this.#byNamespace.get(namespaceOf(key))?.get(key);
  }

  tokensIn(namespace: string): readonly TokenFacts[] {
    return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
  }

  *all(): Generator<TokenFacts> {
    for (const tokens of this.#byNamespace.values()) yield* tokens.values();
  }

  #put(facts: TokenFacts, before: TokenFacts | undefined): void {
    const tokens = this.#byNamespace.get(facts.namespace) ?? new Map<string, TokenFacts>();
    this.#byNamespace.set(facts.namespace, tokens.set(facts.key, facts));
    this.#onChange(facts.key, before?.version !== facts.version);
  }
}
