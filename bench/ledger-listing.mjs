import { openStore } from '../dist/compose/open-store.js';
import { parseStoreUrl } from '../dist/config/store-url.js';
import { readService } from '../dist/redemption/accepting/service-description.js';
import { adminAccess, readPage } from './admin-listing.mjs';
import { startDatabases } from './databases.mjs';
import { addRedemptions } from './filled-store.mjs';
import { startService, temporaryDirectory } from './servers.mjs';
import { median } from './statistics.mjs';

const GRANTS = 100;
const REDEMPTIONS_EACH = 1_000;
const REFUSALS = 1_000;
const READS = 15;
const LIMIT = 100;

/** Fills a ledger: three revocations by one user are its oldest entries. Returns the lists to read, each with its number of items. */
async function fillLedger(store) {
  const start = Date.now() - GRANTS * REDEMPTIONS_EACH;
  const revoked = await addRedemptions(store, { grants: 3, redemptionsEach: 0, start: start - 10 });
  const ada = store.actingAs({ actor: 'oidc:4711', actorName: 'ada' });
  for (const { uid } of revoked) await ada.revokeGrant(uid, start - 5);
  const grants = await addRedemptions(store, { grants: GRANTS, redemptionsEach: REDEMPTIONS_EACH, start });
  const refusals = Array.from({ length: REFUSALS }, (_, number) => {
    const client = { name: 'link', subject: `other-${number}`, peer: '192.0.2.7' };
    const at = start + number * GRANTS;
    return store.recordRefusal(
      { grantUid: grants[number % GRANTS].uid, code: 'policy_subject', ...client },
      at,
    );
  });
  await Promise.all(refusals);
  const middle = new Date(start + (GRANTS * REDEMPTIONS_EACH) / 2).toISOString();
  return {
    newest: ['', LIMIT],
    grant: [`&grantUid=${grants[0].uid}`, LIMIT],
    until: [`&until=${middle}`, LIMIT],
    kind: ['&kind=grant_revoked', 3],
    refused: ['&kind=refused', LIMIT],
    actor: ['&actor=ada', 3],
    subject: ['&subject=site-4711', 1],
  };
}

async function measureStore(database) {
  const { directory, remove } = temporaryDirectory();
  const { flags, bearerOf } = await adminAccess(directory);
  const words = database ? [...flags, '--store', database.url] : flags;
  const service = await startService(directory, words, database?.env);
  try {
    Object.assign(process.env, database?.env);
    const location = { dataDir: directory, store: database && parseStoreUrl(database.url) };
    const store = await openStore(location, { clock: Date.now, checkpoint: () => undefined }, false);
    const { ca } = await readService(store);
    const lists = await fillLedger(store).finally(() => store.close());
    const admin = { port: service.adminPort, ca, bearer: await bearerOf('bench') };
    const figures = {};
    for (const [name, [filter, count]] of Object.entries(lists)) {
      const times = [];
      for (let read = 0; read < READS; read++) {
        const { ms, items } = await readPage(admin, `/api/v1/events?limit=${LIMIT}${filter}`);
        if (items.length !== count) throw new Error(`the list ${name} has ${items.length} items`);
        times.push(ms);
      }
      figures[name] = median(times);
    }
    return figures;
  } finally {
    await service.stop();
    remove();
  }
}

/** Measures pages of a ledger of 100,000 entries in the admin API, with and without filters, with SQLite and with PostgreSQL. */
export async function measureLedgerListing() {
  const databases = await startDatabases();
  try {
    const stores = {
      sqlite: await measureStore(),
      postgres: await measureStore(await databases.create('ledger')),
    };
    const named = Object.entries(stores).flatMap(([store, figures]) =>
      Object.entries(figures).map(([list, ms]) => [`${store}${list[0].toUpperCase()}${list.slice(1)}Ms`, ms]),
    );
    return { entries: GRANTS * REDEMPTIONS_EACH, ...Object.fromEntries(named) };
  } finally {
    await databases.stop();
  }
}
