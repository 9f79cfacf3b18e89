import type { Stored } from '../api/resource.js';
import type { ObjectSink } from '../controller/informer.js';
import { timeOf } from '../grants/access-grant-resource.js';
import { type AccessTokenResource, finalReason, redeemedCondition } from './access-token-resource.js';

/** Of an AccessToken what decides whether there is something to be done. */
export interface TokenFacts {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  /** Another one for another resource of the same name, and for another spec. */
  readonly version: string;
  readonly state: 'open' | 'redeemed' | 'refused' | 'unknown';
  /** When it was redeemed, in milliseconds since the epoch; null where it was not. */
  readonly redeemedAt: number | null;
}

/** Reads an AccessToken; its code is not kept. */
export function readTokenFacts(token: Stored<AccessTokenResource>): TokenFacts {
  const { namespace = '', name, uid, generation } = token.metadata;
  const reason = finalReason(token);
  const isRedeemed = reason === 'Ready';
  return {
    key: `${namespace}/${name}`,
    namespace,
    version: `${uid} ${generation}`,
    state: isRedeemed ? 'redeemed' : reason === 'Refused' ? 'refused' : reason ? 'unknown' : 'open',
    redeemedAt: isRedeemed ? timeOf(redeemedCondition(token)?.lastTransitionTime) : null,
  };
}

/** The AccessTokens of a cluster, as the informer told of them last. */
export class TokenIndex implements ObjectSink<TokenFacts> {
  readonly #byNamespace = new Map<string, Map<string, TokenFacts>>();
  readonly #onChange: (key: string, isAnother: boolean) => void;

  /** `onChange` is told of each token, also when it is gone; `isAnother` is true for one that is new or has another spec. */
  constructor(onChange: (key: string, isAnother: boolean) => void) {
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
    const there = this.#byNamespace.get(namespace);
    there?.delete(key);
    if (there?.size === 0) this.#byNamespace.delete(namespace);
    this.#onChange(key, false);
  }

  find(key: string): TokenFacts | undefined {
    return this.#byNamespace.get(key.split('/', 1)[0] as string)?.get(key);
  }

  tokensIn(namespace: string): readonly TokenFacts[] {
    return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
  }

  *all(): Generator<TokenFacts> {
    for (const tokens of this.#byNamespace.values()) yield* tokens.values();
  }

  #put(facts: TokenFacts, before: TokenFacts | undefined): void {
    const there = this.#byNamespace.get(facts.namespace) ?? new Map<string, TokenFacts>();
    this.#byNamespace.set(facts.namespace, there.set(facts.key, facts));
    this.#onChange(facts.key, before?.version !== facts.version);
  }
}
