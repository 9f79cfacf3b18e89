import fc from 'fast-check';
import { COMMIT_FATES, type CommitFault } from './commit-faults.js';
import { FATES, type Fault } from './simulated-network.js';

/** Number of clients; client k always uses the same key. */
export const CLIENTS = 3;
const REPLICAS = 3;
/** In place of a replica: the store of a command, which has no controller beside it. */
export const COMMAND_LINE = REPLICAS;
/** Number of grants, which exist at the start. */
const GRANTS = 2;

/**
 * How a client redeems a grant: with the code of the grant, a signed code for one or two uses, a code that is bound to its key, a code
 * that replaces an earlier redemption, or an identity that may redeem once.
 */
export const CODES = ['opaque', 'signed once', 'signed twice', 'bound', 'replacement', 'identity'] as const;

/** What a step does. The numbers of replicas, grants, clients and links select one of those that exist. */
export type Action =
  | {
      readonly do: 'redeem';
      readonly replica: number;
      readonly grant: number;
      readonly client: number;
      readonly code: (typeof CODES)[number];
      /** True if the client sends no CSR, so that the service generates the key. */
      readonly isStock: boolean;
    }
  | { readonly do: 'renew'; readonly replica: number; readonly link: number }
  | {
      readonly do: 'revoke grant';
      readonly replica: number;
      readonly grant: number;
      readonly cascade: boolean;
    }
  | {
      readonly do: 'revoke code';
      readonly replica: number;
      readonly grant: number;
      readonly code: 'signed once' | 'signed twice' | 'bound';
    }
  | { readonly do: 'revoke redemption'; readonly replica: number; readonly link: number }
  | { readonly do: 'change limit'; readonly replica: number; readonly grant: number; readonly uses: number }
  | { readonly do: 'erase sealed answers'; readonly replica: number }
  | { readonly do: 'delete grant'; readonly replica: number; readonly grant: number }
  | { readonly do: 'crash'; readonly replica: number; readonly ms: number }
  | { readonly do: 'restart API server'; readonly ms: number }
  | { readonly do: 'compact' }
  | { readonly do: 'break watches' }
  | ({ readonly do: 'fault' } & Fault)
  | ({ readonly do: 'commit fault' } & CommitFault)
  | { readonly do: 'restart database'; readonly ms: number };

/** An action, `after` milliseconds after the previous one. Steps do not wait for the end of the previous ones. */
export interface Step {
  readonly after: number;
  readonly action: Action;
}

/** The stores that are simulated. */
export const STORES = ['kubernetes', 'sql'] as const;
export type Store = (typeof STORES)[number];

/** Everything that decides what happens in one simulation. */
export interface Schedule {
  readonly store: Store;
  /** Seed of the delays and of the random numbers of the program. */
  readonly seed: number;
  readonly replicas: number;
  /** Uses of each grant at the start. */
  readonly uses: readonly number[];
  readonly steps: readonly Step[];
}

const MAX_GROUPS = 8;

const replica = fc.nat(REPLICAS - 1);
const operator = fc.nat(COMMAND_LINE);
// Mostly the same grant and client, so that operations meet.
const grant = fc.constantFrom(0, 0, 0, 1);
const link = fc.nat(5);
const uses = fc.integer({ min: 1, max: 5 });

const redeem = fc.record({
  do: fc.constant('redeem' as const),
  replica,
  grant,
  client: fc.constantFrom(0, 0, 0, 1, 2),
  code: fc.constantFrom('opaque', ...CODES),
  isStock: fc.nat(3).map((number) => number === 3),
});

const fault = fc.record({
  do: fc.constant('fault' as const),
  fate: fc.constantFrom(...FATES),
  request: fc.constantFrom(
    'create redemptions',
    'create redemptions',
    'patch redemptions',
    'patch accessgrants',
    'get accessgrants',
    'get redemptions',
    'list redemptions',
    'patch',
    'create',
    'get',
    'list',
    'watch redemptions',
    'watch',
  ),
  skip: fc.nat(3),
});

const commitFault = fc.record({
  do: fc.constant('commit fault' as const),
  fate: fc.constantFrom(...COMMIT_FATES),
  skip: fc.nat(3),
});

const ms = fc.integer({ min: 10, max: 5_000 });
const code = fc.constantFrom('signed once' as const, 'signed twice' as const, 'bound' as const);

const operations: readonly fc.WeightedArbitrary<Action>[] = [
  { weight: 6, arbitrary: fc.record({ do: fc.constant('renew' as const), replica, link }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('revoke grant' as const),
      replica: operator,
      grant,
      cascade: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('revoke code' as const), replica: operator, grant, code }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('revoke redemption' as const), replica: operator, link }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('change limit' as const), replica: operator, grant, uses }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete grant' as const), replica: operator, grant }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase sealed answers' as const), replica }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), replica, ms }) },
];

const failures: Readonly<Record<Store, readonly fc.WeightedArbitrary<Action>[]>> = {
  kubernetes: [
    { weight: 14, arbitrary: fault },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart API server' as const), ms }) },
    { weight: 1, arbitrary: fc.constant({ do: 'compact' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'break watches' as const }) },
  ],
  sql: [
    { weight: 16, arbitrary: commitFault },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart database' as const), ms }) },
  ],
};

/** A request that is repeated at other replicas, and what happens at the same time. */
const groupOf = (store: Store): fc.Arbitrary<readonly Step[]> =>
  fc
    .record({
      first: redeem,
      repeatedAt: fc.array(replica, { maxLength: 2 }),
      disturbances: fc.array(fc.oneof(...failures[store], ...operations), { maxLength: 3, size: 'max' }),
      // Some groups come seconds after the one before, when codes have expired.
      pause: fc.oneof(
        { weight: 6, arbitrary: fc.nat(60) },
        { weight: 3, arbitrary: fc.nat(1_000) },
        { weight: 1, arbitrary: fc.nat(15_000) },
      ),
      gaps: fc.array(fc.nat(15), { minLength: 6, maxLength: 6 }),
    })
    .map(({ first, repeatedAt, disturbances, pause, gaps }) => {
      const repeated = repeatedAt.map((other) => ({ ...first, replica: other }));
      const ofSameGrant = disturbances.map((other) =>
        'grant' in other ? { ...other, grant: first.grant } : other,
      );
      const actions = [first, ...repeated, ...ofSameGrant];
      return actions.map((action, index) => ({ after: index === 0 ? pause : (gaps[index] ?? 0), action }));
    });

/** Random schedules of a store, which shrink to fewer steps. */
export const schedulesOf = (store: Store): fc.Arbitrary<Schedule> =>
  fc.record({
    store: fc.constant(store),
    seed: fc.noShrink(fc.nat()),
    replicas: fc.integer({ min: 1, max: REPLICAS }),
    uses: fc.array(uses, { minLength: GRANTS, maxLength: GRANTS }),
    steps: fc
      .array(groupOf(store), { minLength: 1, maxLength: MAX_GROUPS, size: 'max' })
      .map((groups) => groups.flat()),
  });

/** One line for each step. */
export function describeSchedule({ store, seed, replicas, uses, steps }: Schedule): string {
  let at = 0;
  const lines = steps.map(({ after, action: { do: what, ...values } }) => {
    at += after;
    const details = Object.entries(values).map(([name, value]) =>
      name === 'replica' && value === COMMAND_LINE ? 'by a command' : `${name} ${value}`,
    );
    return `  at ${at} ms: ${[what, ...details].join(', ')}`;
  });
  return [
    `${store} store, ${replicas} replicas, grants of ${uses.join(' and ')} uses, delays from seed ${seed}`,
    ...lines,
  ].join('\n');
}
