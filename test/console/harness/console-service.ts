import pino from 'pino';
import { runDoctor } from '../../../src/cli/doctor/doctor.js';
import { storeAdministration } from '../../../src/compose/administration-dependencies.js';
import { consoleFiles } from '../../../src/compose/console-files.js';
import { type LocalConsole, startLocalConsole } from '../../../src/compose/local-console.js';
import { commandContext, runInContext } from '../../../src/config/command-context.js';
import { loadConfiguration } from '../../../src/config/config.js';
import type { Redemption } from '../../../src/domain/redemption.js';
import type { CreateGrantRequest } from '../../../src/redemption/administration/administration.js';
import type { ConnectedPeer } from '../../../src/redemption/ports/connections.js';
import { DAY, startTestService, type TestService } from '../../support/service.js';
import { sampleRedemption } from '../../support/store-samples.js';

// The store commits the redemptions of a batch together.
const BATCH = 500;

/** A service with its store, and the console of a terminal on the same store. */
export interface ConsoleService {
  readonly service: TestService;
  readonly console: LocalConsole;
  /** Administers the store without the console. */
  readonly administration: ReturnType<typeof storeAdministration>;
  /** The sites that Skupper would report as connected; empty until a test adds one. */
  readonly connectedPeers: ConnectedPeer[];
  /** Creates a grant, by default for 20,000 sites. */
  createGrant(request: Partial<CreateGrantRequest> & { readonly name: string }): Promise<string>;
  /** The SHA-256 of the CA that signs links. */
  signingCa(): Promise<string>;
  /**
   * Records `count` links of a grant with subjects `site-1` and so on, signed by the CA that signs links; every tenth expires
   * soon. `changes` replaces their fields.
   */
  addLinks(grantUid: string, count: number, changes?: Partial<Redemption>): Promise<void>;
  close(): Promise<void>;
}

/** Starts a service and the console of an operator, which sees connections unless `observesConnections` is false. */
export async function startConsoleService({ observesConnections = true } = {}): Promise<ConsoleService> {
  const service = await startTestService();
  const { store, clock, directory } = service;
  const connectedPeers: ConnectedPeer[] = [];
  const latest = () => ({
    peers: connectedPeers,
    observedAt: clock.read(),
    version: String(connectedPeers.length),
  });
  const administration = storeAdministration({
    connections: observesConnections ? { latest, observe: async () => latest() } : undefined,
    ...{ store, actor: { actor: 'local:ada' }, dataDir: directory, clock: clock.read },
    checkReadiness: async () => [{ check: 'store', status: 'ok', message: 'ready' }],
    runDoctor: () =>
      runInContext({ ...commandContext(), clock: clock.read }, 'npx linkgrant', () =>
        runDoctor(loadConfiguration({ dataDir: directory }, {}).settings, {}),
      ),
  });
  const console = await startLocalConsole({
    ...{ administration, where: 'data directory /var/lib/linkgrant', port: 0, files: consoleFiles() },
    ...{ user: 'ada', role: 'operator' },
    // As in a checkout.
    program: 'npx linkgrant',
    ...{ clock: clock.read, onOpen: () => undefined, logger: pino({ level: 'silent' }) },
  });
  const signingCa = async () => {
    const { items } = await administration.listIssuers({ limit: 10 });
    const issuer = items.find((each) => each.default);
    return issuer?.authorities.find(({ role }) => role === 'active')?.sha256 ?? '';
  };
  return {
    service,
    console,
    administration,
    connectedPeers,
    signingCa,
    async createGrant(request) {
      const grant = await administration.createGrant({
        ...{ namespace: 'default', redemptionsAllowed: 20_000, expirationWindow: '7d' },
        ...request,
      });
      return grant.uid;
    },
    async addLinks(grantUid, count, changes = {}) {
      const now = clock.read();
      const issuerSha256 = await signingCa();
      const numbers = Array.from({ length: count }, (_, index) => index + 1);
      while (numbers.length > 0) {
        const outcomes = await Promise.all(
          numbers.splice(0, BATCH).map((number) => {
            const isExpiring = number % 10 === 0;
            const redemption = sampleRedemption(grantUid, {
              ...{ name: 'to-west', subject: `site-${number}`, issuerSha256 },
              // Each link is newer than the one before it, except that expiring ones are older.
              createdAt: now - count + number - (isExpiring ? 28 * DAY : 0),
              notAfter: now + (isExpiring ? 2 : 30) * DAY,
              ...changes,
            });
            return store.recordRedemption(grantUid, redemption, now);
          }),
        );
        if (outcomes.some((outcome) => outcome !== 'recorded')) throw new Error(String(outcomes));
      }
    },
    async close() {
      console.close();
      await service.close();
    },
  };
}
