import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasStore, type LinkDialOptions } from '../../compose/links.js';
import { openStore } from '../../compose/open-store.js';
import { openToOthers } from '../../compose/site-issuer.js';
import { storeAge } from '../../compose/store-tools.js';
import type { Settings } from '../../config/setting-schemas.js';
import { readService, type ServiceDescription } from '../../redemption/accepting/service-description.js';
import { describeFailure } from '../terminal/failure.js';
import { certificateFileCheck } from './doctor-certificates.js';
import { type Check, fail, ok, warn } from './doctor-check.js';
import { portChecks } from './doctor-ports.js';
import { writableCheck } from './doctor-requesting.js';
import { siteChecks } from './doctor-sites.js';
import { probeToken, urlChecks } from './doctor-url.js';

const SERVE_ONCE = 'start `linkgrant serve` once';
const NAMED_BY_HAND = 'put a new certificate into the file that the setting names';

/** Checks the accepting side: its directory, store, service, ports, certificates and sites. */
export async function acceptingChecks(
  settings: Settings,
  namespace: string | undefined,
  options: LinkDialOptions,
): Promise<Check[]> {
  const own = directoryChecks(settings.dataDir);
  const checks: Check[] = [];
  const { service, checks: storeChecks } = await lookIntoStore(settings, options);
  checks.push(...storeChecks);
  const probe = service && probeToken(service);
  if (probe) checks.push(...(await urlChecks(probe, options)));
  checks.push(...(await portChecks(settings, probe, options)));
  checks.push(...certificateChecks(settings, options.clock()));
  checks.push(...(await siteChecks(settings, service, namespace, options)));
  // A Skupper site may only link to others, without a service.
  const isToServe = settings.platform === 'standalone' || hasStore(settings);
  return [...own, ...(isToServe ? checks : checks.map(asNote))];
}

/** Turns failures into warnings, because they matter only to a site that accepts links. */
export function asNote(check: Check): Check {
  if (check.status !== 'fail') return check;
  return warn(check.name, check.detail, `only to accept links here: ${check.hint}`);
}

function directoryChecks(dataDir: string): Check[] {
  const checks = [writableCheck('data directory', dataDir)];
  if (!existsSync(dataDir)) return checks;
  const open = openToOthers(dataDir);
  if (open.length === 0) return [...checks, ok('modes', 'nothing in it is open to other users')];
  const hint = `chmod go= ${open.join(' ')}`;
  return [...checks, fail('modes', `other users may enter or read ${open.join(', ')}`, hint)];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

async function lookIntoStore(
  settings: Settings,
  { clock }: LinkDialOptions,
): Promise<{ readonly service?: ServiceDescription | undefined; readonly checks: Check[] }> {
  const checks: Check[] = [];
  try {
    const store = await openStore(settings, { clock, checkpoint: () => {} }, false);
    try {
      checks.push(ok('store', 'its tables are of this version'));
      const age = await ageCheck(settings, clock);
      checks.push(age);
      // Do not write to a restored copy: an old primary would wait for a missing standby.
      if (age.status === 'ok') {
        await store.probe();
        checks.push(ok('store writable', 'it takes writes'));
      }
      const service = await readService(store);
      checks.push(
        service
          ? ok('description', `tokens lead to ${service.url}`)
          : fail('description', 'no service has run on this store yet', SERVE_ONCE, 2),
      );
      return { service, checks };
    } finally {
      await store.close();
    }
  } catch (error) {
    const { message, hint = SERVE_ONCE, exitCode } = describeFailure(error);
    checks.push(fail(checks.length === 0 ? 'store' : 'store writable', message, hint, exitCode));
    return { checks };
  }
}

/** Warns of a restored backup, in which spent uses are available again. */
async function ageCheck(settings: Settings, clock: LinkDialOptions['clock']): Promise<Check> {
  const { lost, open } = await storeAge(settings, { clock, checkpoint: () => {} });
  if (lost === 0) return ok('store age', 'it has all that this host has seen of it');
  const loss =
    typeof lost === 'number'
      ? `it is an earlier copy: its ledger lacks ${lost} of its entries`
      : 'it was emptied or changed: the mark of its ledger is missing';
  const problem = `${loss}, and spent uses may be available again in ${open.length} of its grants`;
  return fail('store age', problem, 'decide about them with `linkgrant store restored`', 2);
}

function certificateChecks(settings: Settings, now: number): Check[] {
  const { dataDir, tlsCert, tlsCa, issuerCert } = settings;
  const checks: Check[] = [];
  const add = (name: string, file: string, renewal: string) => {
    if (existsSync(file)) checks.push(certificateFileCheck(name, file, now, renewal));
  };
  const issuers = join(dataDir, 'issuers');
  for (const name of namesIn(issuers)) {
    const replace = `change it before it ends, beginning with \`linkgrant issuer prepare ${name}\``;
    add(`CA ${name}`, join(issuers, name, 'tls.crt'), replace);
  }
  const restart = 'the running service renews it by itself; start it';
  if (tlsCert === undefined) add('server certificate', join(dataDir, 'server.pem'), restart);
  const given = [
    ['--tls-cert', tlsCert],
    ['--tls-ca', tlsCa],
    ['--issuer-cert', issuerCert],
  ] as const;
  for (const [flag, file] of given) {
    if (file !== undefined) checks.push(certificateFileCheck(flag, file, now, NAMED_BY_HAND));
  }
  return checks;
}
