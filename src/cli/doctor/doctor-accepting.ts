import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request as requestHttps } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { hasStore, openServiceStore } from '../../compose/open-store.js';
import { isServedHere } from '../../compose/service-identities.js';
import { missingCa, pathsAccessibleToOthers } from '../../compose/site-issuer.js';
import { findStoreLoss } from '../../compose/store-tools.js';
import { queryToken } from '../../compose/token-redemption.js';
import { undecidedRestore } from '../../compose/undecided-restore.js';
import { commandContext } from '../../config/command-context.js';
import { type ListenAddress, reachableHost } from '../../config/host-port.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { AccessToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { operand, shell, shellCommand } from '../../domain/shell-words.js';
import { visibleNamesIn } from '../../files/directory-names.js';
import { readService, type ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { getFromPort } from '../serve/health.js';
import { listenFailure } from '../serve/listen-failure.js';
import {
  type Check,
  certificateFileCheck,
  downgradeToWarning,
  fail,
  failWithError,
  ok,
  warn,
  writableCheck,
} from './doctor-check.js';
import { checkUrl, NEVER_RAN, probeToken, SERVE_ONCE_HINT } from './doctor-route.js';
import { checkSites } from './doctor-sites.js';
import { webhookChecks } from './doctor-webhooks.js';

const OTHER_STORE = 'a service answers at the URL in the tokens, but none runs on this store';
const OTHER_STORE_HINT =
  'tokens of this store are unknown there: use the --data-dir of the service that answers, or stop that service and start `linkgrant serve` on this store';
const REPLACE_CERTIFICATE_HINT = 'put a new certificate into this file';
const REQUESTING_HINT = 'to check a site that requests links, run `linkgrant doctor --token FILE --to DIR`';
const PROBE_TIMEOUT_MS = 2_000;
// The probe sends a wrong code. linkgrant never responds to it with these errors, so another program uses the port.
const FOREIGN_SERVER_ERRORS = new Set([
  'connection_refused',
  'connection_timeout',
  'not_https',
  'tls_untrusted',
  'service_unavailable',
  'redirect',
  'answer_invalid',
]);

/** Options of {@link acceptingChecks}. */
export interface AcceptingOptions extends CommandConnectionOptions {
  /** True if the service itself runs the checks. */
  readonly isService?: boolean;
}

/** Checks the accepting side: its directory, store, service, ports, certificates and sites. */
export async function acceptingChecks(settings: Settings, options: AcceptingOptions): Promise<Check[]> {
  const directoryChecks = checkDirectory(settings.dataDir);
  const { service, checks } = await storeChecks(settings);
  const probe = service && probeToken(service);
  if (probe) checks.push(...(await checkUrl(probe, options)));
  const responds = checks.some(({ name, status }) => name === 'service' && status === 'ok');
  // The check of the URL also succeeds for a service on another copy of the store, because it has the same CA.
  if (responds && settings.store?.kind !== 'postgres' && !isServedHere(settings, options.clock))
    checks.push(fail('service store', OTHER_STORE, OTHER_STORE_HINT));
  checks.push(...(await checkPorts(settings, probe, options)));
  checks.push(...checkCertificates(settings, options.clock()));
  checks.push(...(await checkSites(settings, service)));
  // A Skupper site that accepts no links needs no service.
  const isServiceExpected = settings.platform === 'standalone' || hasStore(settings);
  return [...directoryChecks, ...(isServiceExpected ? checks : checks.map(downgradeToWarning))];
}

function checkDirectory(dataDir: string): Check[] {
  const checks = [writableCheck('data directory', dataDir)];
  if (!existsSync(dataDir)) return checks;
  const accessiblePaths = pathsAccessibleToOthers(dataDir);
  if (accessiblePaths.length === 0)
    return [...checks, ok('file modes', 'no file with keys is accessible to other users')];
  const hint = `run \`${shellCommand(['chmod', 'go=', ...accessiblePaths.map(operand)])}\``;
  return [...checks, fail('file modes', `other users can access ${accessiblePaths.join(', ')}`, hint)];
}

async function storeChecks(
  settings: Settings,
): Promise<{ readonly service?: ServiceDescription | undefined; readonly checks: Check[] }> {
  const checks: Check[] = [];
  const { clock } = commandContext();
  try {
    const { store, webhooks } = await openServiceStore(settings, commandContext(), false);
    try {
      checks.push(ok('store', 'its schema version matches this release'));
      const age = await checkStoreAge(settings);
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
          : fail('service URL', NEVER_RAN, SERVE_ONCE_HINT, 2),
      );
      const missing = await missingCa(settings, store, clock());
      if (missing) checks.push(failWithError('CAs', missing, missing.hint));
      checks.push(...(await webhookChecks({ store, webhooks }, settings, clock())));
      return { service, checks };
    } finally {
      await store.close();
    }
  } catch (error) {
    const check = failWithError(checks.length === 0 ? 'store' : 'store writable', error, SERVE_ONCE_HINT);
    checks.push(hasStore(settings) ? check : { ...check, hint: `${check.hint}; ${REQUESTING_HINT}` });
    return { checks };
  }
}

/**
 * Checks that the store is not an earlier copy: that it has all ledger entries that this host has recorded. In an earlier copy,
 * spent uses are available again.
 */
async function checkStoreAge(settings: Settings): Promise<Check> {
  const undecided = undecidedRestore(settings.dataDir);
  if (undecided) return failWithError('store age', undecided, undecided.hint);
  const { lost, redeemable, unrecordedUntil } = await findStoreLoss(settings, commandContext());
  if (unrecordedUntil !== undefined) {
    const problem = 'this host has no record of its ledger, so missing entries cannot be detected';
    return warn(
      'store age',
      problem,
      'after a restore on this host, run `linkgrant store restored`, which says what to choose',
    );
  }
  if (lost === 0) return ok('store age', 'its ledger contains every entry that this host has recorded');
  const loss =
    typeof lost === 'number'
      ? `it is an earlier copy: ${lost} ${lost === 1 ? 'entry is' : 'entries are'} missing from its ledger`
      : 'it was emptied or changed: the mark of its ledger (setting ledger-epoch) is missing';
  const problem = `${loss}, and spent uses may be available again in ${redeemable.length} of its grants`;
  return fail(
    'store age',
    problem,
    'run `linkgrant store restored`, which names these grants; then repeat it with --revoke or --keep',
    2,
  );
}

function checkCertificates(settings: Settings, now: number): Check[] {
  const { dataDir, tlsCert, tlsCa, issuerCert, adminTlsCert } = settings;
  const checks: Check[] = [];
  const add = (name: string, file: string, renewal: string) => {
    if (existsSync(file)) checks.push(certificateFileCheck(name, file, now, renewal));
  };
  const issuers = join(dataDir, 'issuers');
  for (const name of visibleNamesIn(issuers)) {
    const replace = shell`rotate it before it expires; start with \`linkgrant issuer prepare ${name}\``;
    add(`CA ${name}`, join(issuers, name, 'tls.crt'), replace);
  }
  const restart = 'start the service: it renews this certificate';
  if (tlsCert === undefined) add('server certificate', join(dataDir, 'server.pem'), restart);
  const externalCertificates = [
    ['--tls-cert', tlsCert],
    ['--tls-ca', tlsCa],
    ['--issuer-cert', issuerCert],
    ['--admin-tls-cert', settings.adminListen ? adminTlsCert : undefined],
  ] as const;
  for (const [flag, file] of externalCertificates) {
    if (file !== undefined) checks.push(certificateFileCheck(flag, file, now, REPLACE_CERTIFICATE_HINT));
  }
  return checks;
}

/** Checks that the ports of the service are free or used by the service. */
async function checkPorts(
  settings: Settings,
  probe: AccessToken | undefined,
  { clock, isService }: AcceptingOptions,
): Promise<Check[]> {
  const { listen, opsListen, adminListen } = settings;
  const checks = [
    await checkPort('port', listen, settings, () => isRedemptionListener(listen, probe, clock)),
  ];
  if (opsListen) {
    checks.push(
      await checkPort('operations port', opsListen, settings, () => isOperationsListener(opsListen)),
    );
  }
  // The service would log and count the probe as a failed authentication.
  if (adminListen && !isService)
    checks.push(await checkPort('admin port', adminListen, settings, () => isAdminListener(adminListen)));
  return checks;
}

async function checkPort(
  name: string,
  address: ListenAddress,
  settings: Settings,
  isLinkgrant: () => Promise<boolean>,
): Promise<Check> {
  const { port } = address;
  if (port === 0) return ok(name, 'any free port');
  const error = await listenError(address);
  if (error === undefined) return ok(name, `${port} is free`);
  if (error.code === 'EADDRINUSE' && (await isLinkgrant()))
    return ok(name, `${port} is in use by the running service`);
  return failWithError(name, listenFailure(error, settings), 'choose another port');
}

async function listenError({ host, port }: ListenAddress): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  try {
    server.listen({ port, ...(host !== '' && { host }) });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

async function isRedemptionListener(
  { host, port }: ListenAddress,
  probe: AccessToken | undefined,
  clock: () => number,
): Promise<boolean> {
  if (!probe) return false;
  try {
    const connectTo = [{ toHost: reachableHost(host), toPort: port }];
    await queryToken(probe, { clock, timeoutMs: PROBE_TIMEOUT_MS, connectTo });
    return true;
  } catch (error) {
    return error instanceof RedemptionError && !FOREIGN_SERVER_ERRORS.has(error.code);
  }
}

async function isOperationsListener(opsListen: ListenAddress): Promise<boolean> {
  try {
    const { status, body } = await getFromPort(opsListen, '/metrics', PROBE_TIMEOUT_MS);
    return status === 200 && body.includes('linkgrant_');
  } catch {
    return false;
  }
}

async function isAdminListener(adminListen: ListenAddress): Promise<boolean> {
  try {
    const { body } = await getFromPort(adminListen, '/api/v1/service', PROBE_TIMEOUT_MS, requestHttps);
    return body.includes('"bearer_missing"');
  } catch {
    return false;
  }
}
