import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** What `/metrics` tells of a process that redeems the AccessTokens of a cluster. No label holds anything that a stranger chose. */
export interface RedeemerMetrics {
  readonly registry: Registry;
  /** Told of each attempt at a token: `redeemed`, or the code of what it met. */
  attempted(outcome: string): void;
  /** Told of each renewal of a link: `renewed`, or the code of what it met. */
  renewed(outcome: string): void;
}

/** `countTokens` gives how many tokens there are in each state, and `isLeading` whether this process redeems; both when asked. */
export function createRedeemerMetrics(seen: {
  readonly countTokens: () => Readonly<Record<string, number>>;
  readonly isLeading: () => boolean;
}): RedeemerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const attempts = new Counter({
    name: 'linkgrant_token_attempts_total',
    help: 'Attempts at AccessTokens by outcome: redeemed, or the code of what they met.',
    labelNames: ['outcome'],
    registers,
  });
  const renewals = new Counter({
    name: 'linkgrant_link_renewals_total',
    help: 'Renewals of links by outcome: renewed, or the code of what they met.',
    labelNames: ['outcome'],
    registers,
  });
  new Gauge({
    name: 'linkgrant_tokens',
    help: 'AccessTokens by state: open, redeemed, refused for good, or unknown where a use may be spent.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(seen.countTokens())) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'linkgrant_leading',
    help: '1 for the replica that redeems, 0 for those that wait to take its place.',
    registers,
    collect() {
      this.set(seen.isLeading() ? 1 : 0);
    },
  });
  // A series that is there from the start shows its first rise.
  attempts.inc({ outcome: 'redeemed' }, 0);
  renewals.inc({ outcome: 'renewed' }, 0);
  return {
    registry,
    attempted: (outcome) => attempts.inc({ outcome }),
    renewed: (outcome) => renewals.inc({ outcome }),
  };
}
