import { measureAttacker } from './attacker.mjs';
import { measureBurst } from './burst.mjs';
import { measureCluster } from './cluster.mjs';
import { compareWithBare } from './compare.mjs';
import { measureConsole } from './console.mjs';
import { measureIdentity } from './identity.mjs';
import { measureLedgerListing } from './ledger-listing.mjs';
import { measureLedgerVerify } from './ledger-verify.mjs';
import { measureManyGrants } from './many-grants.mjs';
import { measureOverload } from './overload.mjs';
import { measurePostgres } from './postgres.mjs';
import { measureSlowCertificates } from './slow-certificates.mjs';
import { measureSlowServers } from './slow-servers.mjs';
import { measureSoak } from './soak.mjs';
import { measureStartUp } from './start-up.mjs';

/** Returns a case that compares the service with a bare HTTPS server. */
function comparisonWithBare(summary, { kind, flags }) {
  return { summary, run: ({ driver, requests }) => compareWithBare({ driver, kind, flags, requests }) };
}

/** The cases by name, in the order in which they run. A case with `onlyByName` runs only if `--only` names it. */
export const CASES = {
  csr: comparisonWithBare('redemptions with a CSR of a P-256 key', { kind: 'csr' }),
  'stock-p256': comparisonWithBare('redemptions for which the service creates a P-256 key', {
    kind: 'stock',
  }),
  'workers-2': comparisonWithBare('redemptions with a CSR, by two worker processes', {
    kind: 'csr',
    flags: ['--workers', '2'],
  }),
  identity: { summary: 'redemptions by identity, and with signed codes', run: measureIdentity },
  burst: { summary: '500 stock sites at the same moment', run: measureBurst },
  attacker: { summary: '300 wrong codes a second beside an honest client', run: measureAttacker },
  overload: { summary: 'half and twice the highest rate of the service', run: measureOverload },
  postgres: { summary: 'redemptions with the store in PostgreSQL and in SQLite', run: measurePostgres },
  'grants-100k': {
    summary: 'redemptions with 100,000 grants, and pages of these grants',
    run: measureManyGrants,
  },
  soak: {
    summary: '1,000,000 redemptions (--soak-requests): memory, files, latency',
    run: measureSoak,
    onlyByName: true,
  },
  'ledger-100k': { summary: 'pages of a ledger of 100,000 entries, with filters', run: measureLedgerListing },
  'ledger-verify': { summary: 'verification of a ledger of 1,000,000 redemptions', run: measureLedgerVerify },
  cluster: {
    summary: 'redemptions in a Kubernetes cluster, compared with creating the same objects directly',
    run: measureCluster,
    onlyByName: true,
  },
  'slow-certificates': {
    summary: 'redemptions in a cluster beside a tenant whose certificates are slow to verify',
    run: measureSlowCertificates,
    onlyByName: true,
  },
  'slow-servers': {
    summary: 'AccessTokens in a cluster beside tokens of servers whose certificates are slow to verify',
    run: measureSlowServers,
    onlyByName: true,
  },
  console: {
    summary: 'the web console: the first load, and the list and the map of 10,000 links',
    run: measureConsole,
    onlyByName: true,
  },
  'start-up': {
    summary: 'time until serve sends its first response, and time of --help',
    run: measureStartUp,
  },
};
