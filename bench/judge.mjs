// The ratio of `csr` at commit b86b51f on Node.js 24. It is compared with this commit, not with the last change: many small losses
// add up.
const REFERENCE_CPU_RATIO = 2.4;

/**
 * The limits of the figures of each case: the greatest allowed value, or with `atLeast` the least. `cpuRatio` and `p99Ratio`
 * compare with the bare server.
 */
const LIMITS = {
  // More than the reference by the difference that two medians have by chance.
  csr: { cpuRatio: 1.05 * REFERENCE_CPU_RATIO, p99Ratio: 3 },
  identity: { identityRatio: 1.5 },
  burst: { refused: 0, longestMs: 2000 },
  attacker: { attackedP99Ratio: 2, notServed: 0 },
  overload: { halfP99Ms: 25, halfNotServed: 0, overServedP99Ms: 5000, afterNotServed: 0 },
  postgres: { sqliteRatio: 1.15, halfP99Ms: 25, halfNotServed: 0 },
  // As fast as with one grant, plus the difference that two medians have by chance.
  'grants-100k': { sqliteManyRatio: 1.05, sqliteListMs: 100, postgresManyRatio: 1.05, postgresListMs: 100 },
  // Growth for each 100,000 redemptions, after the first tenth.
  soak: { grownMiBPer100k: 1, filesLeftOpen: 2, p50Growth: 1.25 },
  'ledger-100k': Object.fromEntries(
    ['Newest', 'Grant', 'Until', 'Kind', 'Refused', 'Actor', 'Subject'].flatMap((list) => [
      [`sqlite${list}Ms`, 300],
      [`postgres${list}Ms`, 300],
    ]),
  ),
  'ledger-verify': { verifyMs: 60_000, grownMiB: 32 },
  cluster: {
    manyGrantsRawShare: { atLeast: 0.35 },
    // The slots of one grant are filled one after the other.
    oneGrantRawShare: { atLeast: 0.2 },
    burstLongestMs: 5000,
    burstWronglyAnswered: 0,
  },
  'slow-certificates': { greatestP99Ratio: 2, notServed: 0 },
  'slow-servers': { greatestMedianRatio: 3, greatestLongestRatio: 3, killed: 0 },
  console: { firstLoadKiB: 300, firstLoadMs: 1000, linksMs: 400, filterMs: 200, mostPages: 1, mapMs: 1000 },
  'start-up': { firstServeMs: 1000, laterServeMs: 1000, helpMs: 150 },
};

/** Compares the figures of a case with their limits. */
export function judge(name, figures) {
  return Object.entries(LIMITS[name] ?? {}).map(([figure, limit]) => {
    const value = figures[figure];
    if (typeof limit === 'number') return { figure, value, atMost: limit, met: value <= limit };
    return { figure, value, ...limit, met: value >= limit.atLeast };
  });
}
