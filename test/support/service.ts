import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createMetrics } from '../../src/admin/metrics.js';
import { hashCode, mintCode } from '../../src/codes/opaque-code.js';
import { KeyGenerator } from '../../src/compose/listener/key-generator.js';
import { openStore } from '../../src/compose/open-store.js';
import { type RunningService, startService } from '../../src/compose/runtime.js';
import { type Flags, loadConfiguration } from '../../src/config/config.js';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import { SITE_CA } from '../../src/domain/names.js';
import { AcceptQueueMonitor } from '../../src/http/accept-queue.js';
import { ADMISSION_LIMITS, Admission, type AdmissionLimits } from '../../src/http/admission.js';
import { ConnectionTable } from '../../src/http/connection-table.js';
import { createRedemptionApp } from '../../src/http/redemption-app.js';
import { createTlsListener, type TlsListener } from '../../src/http/tls-listener.js';
import { UnprovenRequests } from '../../src/http/unproven-requests.js';
import { WrongCodeCounter } from '../../src/http/wrong-code-counter.js';
import { issueClientCertificate } from '../../src/pki/certificates.js';
import { CodeKeyDirectory } from '../../src/platforms/standalone/code-key-directory.js';
import { OwnedAuthorities } from '../../src/platforms/standalone/owned-authorities.js';
import { StandaloneSite } from '../../src/platforms/standalone/site.js';
import { Networks } from '../../src/redemption/accepting/cidr.js';
import {
  type CreatedGrant,
  createGrant,
  type GrantRequest,
} from '../../src/redemption/accepting/create-grant.js';
import type { KeySource } from '../../src/redemption/accepting/requested-key.js';
import { publishService, readService } from '../../src/redemption/accepting/service-description.js';
import type { Checkpoint } from '../../src/redemption/ports/clock.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import type { Site } from '../../src/redemption/ports/site.js';
import { refuseSecrets } from './no-secret.js';
import { RECORDED_ENDPOINTS } from './recorded-endpoints.js';
import { makeAuthority, makeIdentity } from './server-identity.js';
import { sampleGrant } from './store-samples.js';
import { withSqliteFile } from './stores/sqlite-file.js';
import { openSqliteStore } from './stores/sqlite-store.js';
import { TestClock } from './test-clock.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Where the Links of a test service lead, in the order of the flags. Its responses are compared with recorded ones. */
export const ENDPOINTS = RECORDED_ENDPOINTS;
const ENDPOINT_FLAGS = ENDPOINTS.map(({ name, host, port }) => `${name}=${host}:${port}`);

const checkpoint = () => undefined;

/** A running service of the accepting side, for tests. */
export interface TestService {
  readonly port: number;
  /** PEM that the service's server certificate verifies against. */
  readonly ca: string;
  readonly directory: string;
  readonly clock: TestClock;
  /** A second connection to the store that the service uses. */
  readonly store: DatabaseStore;
  /** The lines that were logged so far, or those with this event, as objects. */
  logged(event?: string): Record<string, unknown>[];
  /** The log as it was written. */
  logText(): string;
  metricsText(): Promise<string>;
  /** Makes a grant as `grant create` does. */
  grant(request?: Partial<GrantRequest>): Promise<CreatedGrant>;
  /** Stores a grant in a state that `grant create` does not produce. Without `code` it gets a new code. */
  storedGrant(changes?: Partial<AccessGrant>, code?: string): Promise<CreatedGrant>;
  /** How many uses of a grant are counted. */
  used(uid: string): Promise<number | undefined>;
  /** Runs one SQL statement on the file of the store, for changes that no command can make. */
  sql(statement: string, ...values: readonly (string | number)[]): void;
  close(): Promise<void>;
}

function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'linkgrant-http-'));
}

function captureLog() {
  const lines: string[] = [];
  const logger = pino({ level: 'debug', base: null }, { write: (line: string) => void lines.push(line) });
  return { logger, lines };
}

/** The members of a test service that do not depend on how it was started. */
async function commonMembers(options: {
  readonly directory: string;
  readonly clock: TestClock;
  readonly lines: readonly string[];
  readonly store: DatabaseStore;
}): Promise<Omit<TestService, 'port' | 'ca' | 'metricsText' | 'close'>> {
  const { directory, clock, lines, store } = options;
  const storedGrant: TestService['storedGrant'] = async (changes = {}, code = mintCode()) => {
    const uid = changes.uid ?? randomUUID();
    const now = clock.read();
    const grant = sampleGrant({
      ...{ uid, codeHash: hashCode(uid, Buffer.from(code)), createdAt: now, readyAt: now },
      ...{ expirationTime: now + 15 * MINUTE, ...changes },
    });
    await store.createGrant(grant, code);
    return { grant, code };
  };
  return {
    directory,
    clock,
    store,
    logged: (event) =>
      lines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => event === undefined || line.event === event),
    logText: () => lines.join(''),
    storedGrant,
    async grant(request = {}) {
      const service = await readService(store);
      if (!service) throw new Error('the store contains no description of the service');
      const wanted = { namespace: 'default', name: `grant-${randomUUID()}`, ...request };
      const created = await createGrant(wanted, service.endpoints.length > 0, { store, clock: clock.read });
      if ('problem' in created) throw new Error(created.problem);
      return created;
    },
    used: async (uid) => (await store.findGrant(uid))?.redemptions,
    sql(statement, ...values) {
      withSqliteFile(join(directory, 'linkgrant.db'), (database) =>
        database.prepare(statement).run(...values),
      );
    },
  };
}

/** Starts a service with flags of `serve`. By default its data directory is temporary, and `endpoint` is that of the tests. */
export async function startTestService(
  flags: Flags & { readonly dataDir?: string } = {},
): Promise<TestService & { readonly running: RunningService }> {
  const directory = flags.dataDir ?? temporaryDirectory();
  const clock = new TestClock();
  const { logger, lines } = captureLog();
  const { settings } = loadConfiguration(
    { dataDir: directory, listen: '127.0.0.1:0', opsListen: 'off', endpoint: ENDPOINT_FLAGS, ...flags },
    {},
  );
  const running = await startService(settings, { clock: clock.read, checkpoint, logger });
  const store = await openStore(settings, { clock: clock.read, checkpoint }, false);
  return {
    ...(await commonMembers({ directory, clock, lines, store })),
    running,
    port: running.listening.port,
    ca: running.description.ca,
    metricsText: () => running.metrics.registry.metrics(),
    async close() {
      refuseSecrets(lines.join('') + (await running.metrics.registry.metrics()));
      await store.close();
      await running.close();
      if (flags.dataDir === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The parts and limits that a composed service replaces. */
export interface Composition {
  /** Wraps the store that the service uses. */
  readonly store?: (real: DatabaseStore) => DatabaseStore;
  readonly site?: (real: Site) => Site;
  readonly keys?: KeySource;
  readonly checkpoint?: Checkpoint;
  readonly bodyTimeoutMs?: number;
  readonly responseTimeoutMs?: number;
  readonly headersTimeoutMs?: number;
  readonly maxConnections?: number;
  readonly admissionLimits?: AdmissionLimits;
  readonly allowRedeemByKey?: boolean;
  readonly pathPrefix?: string;
  readonly prepareLookup?: (uid: string) => Promise<void>;
}

// Clients and service share one process, so on a slow machine hundreds of clients wait for one another.
const LONG_WAIT = { ...ADMISSION_LIMITS, waitMs: 60_000 };

/** Composes a service of the real parts, some of them replaced: for faults and small limits. */
export async function composeTestService(composition: Composition = {}): Promise<
  TestService & {
    readonly listener: TlsListener;
    readonly connections: ConnectionTable;
  }
> {
  const { bodyTimeoutMs = 15_000, maxConnections = 1_000 } = composition;
  const directory = temporaryDirectory();
  const clock = new TestClock();
  const { logger, lines } = captureLog();
  const file = join(directory, 'linkgrant.db');
  const store = await openSqliteStore({ file, migrate: true, clock: clock.read });
  const authorities = new OwnedAuthorities(directory);
  await authorities.ensure(SITE_CA, 'linkgrant site CA', clock.read());
  const site = new StandaloneSite({
    endpoints: ENDPOINTS,
    defaultIssuer: () => authorities.find(SITE_CA, clock.read()),
    findIssuer: (name) => authorities.find(name, clock.read()),
    clock: clock.read,
  });
  const metrics = createMetrics();
  const { ca, cert, key } = await makeIdentity({ authority: await makeAuthority('Composed Server CA') });
  const place = { url: '', ca };
  const connections = new ConnectionTable(maxConnections);
  const queue = new AcceptQueueMonitor();
  const app = createRedemptionApp({
    store: composition.store?.(store) ?? store,
    site: composition.site?.(site) ?? site,
    service: () => place,
    codeKeys: new CodeKeyDirectory(directory, clock.read),
    keys: composition.keys ?? new KeyGenerator('p256', 64),
    issueCertificate: issueClientCertificate,
    stockReplay: { windowMs: 2 * MINUTE, bindSource: true },
    onLedgerFailure: () => undefined,
    pathPrefix: composition.pathPrefix ?? '/',
    allowRedeemByKey: composition.allowRedeemByKey ?? false,
    ...(composition.prepareLookup && { prepareLookup: composition.prepareLookup }),
    bodyTimeoutMs,
    ...(composition.responseTimeoutMs !== undefined && { responseTimeoutMs: composition.responseTimeoutMs }),
    trustedProxies: new Networks([]),
    connections,
    admission: new Admission(queue, logger, composition.admissionLimits ?? LONG_WAIT),
    unprovenRequests: new UnprovenRequests(metrics, logger),
    wrongCodes: new WrongCodeCounter(composition.store?.(store) ?? store, clock.read),
    observer: metrics,
    clock: clock.read,
    checkpoint: composition.checkpoint ?? checkpoint,
    logger,
  });
  const limits = { minVersion: 'TLSv1.3', requestTimeoutMs: 20_000, connections, queue } as const;
  const listener = createTlsListener({ cert, key }, limits, app);
  if (composition.headersTimeoutMs !== undefined)
    listener.server.headersTimeout = composition.headersTimeoutMs;
  listener.server.listen({ port: 0, host: '127.0.0.1' });
  await once(listener.server, 'listening');
  const { port } = listener.server.address() as AddressInfo;
  place.url = `https://127.0.0.1:${port}`;
  await publishService(store, {
    platform: 'standalone',
    ...place,
    caSha256: '',
    hosts: ['127.0.0.1'],
    endpoints: ENDPOINTS,
    issuer: 'linkgrant site CA',
  });
  return {
    ...(await commonMembers({ directory, clock, lines, store })),
    listener,
    connections,
    port,
    ca,
    metricsText: () => metrics.registry.metrics(),
    async close() {
      refuseSecrets(lines.join(''));
      await listener.drain(0);
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
