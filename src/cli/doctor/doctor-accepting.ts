import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasStore, type LinkDialOptions } from '../../compose/links.js';
import { openStore } from '../../compose/open-store.js';
import { openToOthers } from '../../compose/site-issuer.js';
import { storeAge } from '../../compose/store-tools.js';
import type { Settings } from '../../config/setting-schemas.js';
import { loadSqlite } from '../../files/load-sqlite.js';
import { readService, type ServiceDescription } from '../../redemption/accepting/service-description.js';
import { describeFailure } from '../terminal/failure.js';
import { certificateFileCheck } from './doctor-certificates.js';
import { type Check, fail, ok, warn } from './doctor-check.js';
import { checkPorts } from './doctor-ports.js';
import { writableCheck } from './doctor-requesting.js';
import { checkSites } from './doctor-sites.js';
import { checkUrl, probeToken } from './doctor-url.js';
import { webhookChecks } from './doctor-webhooks.js';

const SERVE_ONCE_HINT = 'start `linkgrant serve` once';
const REPLACE_CERTIFICATE_HINT = 'put a new certificate into this file';

/** Checks the accepting side: its directory, store, service, ports, certificates and sites. */
export async function acceptingChecks(
  settings: Settings,
  namespace: string | undefined,
  options: LinkDialOptions,
): Promise<Check[]> {
  const directoryResults = checkDirectory(settings.dataDir);
  const checks: Check[] = [];
  const { service, checks: storeChecks } = await checkStore(settings, options);
  checks.push(...storeChecks);
  const probe = service && probeToken(service);
  if (probe) checks.push(...(await checkUrl(probe, options)));
  checks.push(...(await checkPorts(settings, probe, options)));
  checks.push(...checkCertificates(settings, options.clock()));
  checks.push(...(await checkSites(settings, service, namespace, options)));
  // A Skupper site that accepts no links needs no service.
  const isServiceExpected = settings.platform === 'standalone' || hasStore(settings);
  return [...directoryResults, ...(isServiceExpected ? checks : checks.map(downgradeToWarning))];
}

/** Turns a failure into a warning, because it matters only to a site that accepts links. */
export function downgradeToWarning(check: Check): Check {
  if (check.status !== 'fail') return check;
  return warn(check.name, check.detail, `needed only if this site accepts links: ${check.hint}`);
}

function checkDirectory(dataDir: string): Check[] {
  const checks = [writableCheck('data directory', dataDir)];
  if (!existsSync(dataDir)) return checks;
  const accessiblePaths = openToOthers(dataDir);
  if (accessiblePaths.length === 0)
    return [...checks, ok('file modes', 'no file with keys is accessible to other users')];
  const hint = `chmod go= ${accessiblePaths.join(' ')}`;
  return [...checks, fail('file modes', `other users can access ${accessiblePaths.join(', ')}`, hint)];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

async function checkStore(
  settings: Settings,
  { clock }: LinkDialOptions,
): Promise<{ readonly service?: ServiceDescription | undefined; readonly checks: Check[] }> {
  const checks: Check[] = [];
  try {
    const store = await openStore(settings, { clock, checkpoint: () => {} }, false);
    try {
      checks.push(ok('store', `its schema version matches this release${await driverText(settings)}`));
      const age = await checkAge(settings, clock);
      checks.push(age);
      // Do not write to an outdated copy: on a restored PostgreSQL primary the write would wait for a standby that is gone.
      if (age.status === 'ok') {
        await store.probe();
        checks.push(ok('store writable', 'it accepts writes'));
      }
      const service = await readService(store);
      checks.push(
        service
          ? ok('service URL', `tokens contain ${service.url}`)
          : fail('service URL', 'no service has run on this store yet', SERVE_ONCE_HINT, 2),
      );
      checks.push(...(await webhookChecks(store, clock())));
      return { service, checks };
    } finally {
      await store.close();
    }
  } catch (error) {
    const { message, hint = SERVE_ONCE_HINT, exitCode } = describeFailure(error);
    checks.push(fail(checks.length === 0 ? 'store' : 'store writable', message, hint, exitCode));
    return { checks };
  }
}

/** Names the SQLite driver of a store in a file. */
async function driverText({ store }: Settings): Promise<string> {
  return store?.kind === 'postgres' ? '' : `; it is opened by ${(await loadSqlite()).name}`;
}

/**
 * Fails if the store lacks ledger entries that this host has recorded: after a restored backup, spent uses are available
 * again.
 */
async function checkAge(settings: Settings, clock: LinkDialOptions['clock']): Promise<Check> {
  const { lost, open: redeemableGrants } = await storeAge(settings, { clock, checkpoint: () => {} });
  if (lost === 0) return ok('store age', 'its ledger contains every entry that this host has recorded');
  const loss =
    typeof lost === 'number'
      ? `it is an earlier copy: ${lost} ${lost === 1 ? 'entry is' : 'entries are'} missing from its ledger`
      : 'it was emptied or changed: the mark of its ledger (setting ledger-epoch) is missing';
  const problem = `${loss}, and spent uses may be available again in ${redeemableGrants.length} of its grants`;
  return fail(
    'store age',
    problem,
    'run `linkgrant store restored`, which names such grants; then add --revoke or --keep',
    2,
  );
}

function checkCertificates(settings: Settings, now: number): Check[] {
  const { dataDir, tlsCert, tlsCa, issuerCert } = settings;
  const checks: Check[] = [];
  const add = (name: string, file: string, renewal: string) => {
    if (existsSync(file)) checks.push(certificateFileCheck(name, file, now, renewal));
  };
  const issuers = join(dataDir, 'issuers');
  for (const name of namesIn(issuers)) {
    const replace = `rotate it before it expires; start with \`linkgrant issuer prepare ${name}\``;
    add(`CA ${name}`, join(issuers, name, 'tls.crt'), replace);
  }
  const restart = 'start the service: it renews this certificate';
  if (tlsCert === undefined) add('server certificate', join(dataDir, 'server.pem'), restart);
  const externalCertificates = [
    ['--tls-cert', tlsCert],
    ['--tls-ca', tlsCa],
    ['--issuer-cert', issuerCert],
  ] as const;
  for (const [flag, file] of externalCertificates) {
    if (file !== undefined) checks.push(certificateFileCheck(flag, file, now, REPLACE_CERTIFICATE_HINT));
  }
  return checks;
}
