import { createPublicKey, type KeyObject, randomUUID, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLinkRenewal } from '../../../src/compose/open-links.js';
import type { LinkSecret } from '../../../src/domain/link.js';
import { RedemptionError } from '../../../src/domain/redemption-error.js';
import { directoryMaterializer } from '../../../src/platforms/files/directory-materializer.js';
import { linkDirectory } from '../../../src/platforms/files/link-directory.js';
import {
  type RenewedLink,
  type RenewLinkDependencies,
  renewLink,
} from '../../../src/redemption/requesting/renew-link.js';
import { type RenewableLink, renewableLink } from '../../../src/redemption/requesting/renewable-link.js';
import { linkTo } from '../links/link-samples.js';
import { runProgram } from '../programs.js';
import { type RenewingServer, secretDueForRenewal, startRenewingServer } from '../servers/renewing-server.js';

const SCRIPT = fileURLToPath(new URL('link-renewer.mjs', import.meta.url));
const NAME = 'to-west';

/** How a renewing process ended: `killed`, or what it printed. */
export interface RenewerOutcome {
  readonly killed?: true;
  readonly serial?: string;
  readonly code?: string;
}

/** A link in a directory, and the service that renews it. */
export interface RenewedSite {
  readonly server: RenewingServer;
  readonly directory: string;
  readonly dataDirectory: string;
  /** Reads the Secret; fails the test if its key does not belong to its certificate. */
  secret(): Promise<LinkSecret>;
  /** Reads the Secret as a link that can be renewed. */
  link(): Promise<RenewableLink>;
  renew(changes?: Partial<RenewLinkDependencies>, link?: RenewableLink): Promise<RenewedLink>;
  /** The code that renewing fails with, or `renewed`. */
  outcome(changes?: Partial<RenewLinkDependencies>): Promise<string>;
  /** Renews in another process. It dies at a checkpoint, or uses `given`, an earlier state of the Secret. */
  spawn(options?: { readonly dieAt?: string; readonly given?: RenewableLink }): Promise<RenewerOutcome>;
  /** Names of the files with the keys of pending renewals. */
  storedKeyFiles(): string[];
  close(): Promise<void>;
}

/** Creates a site with a link. The default key of the link is a new P-256 key. */
export async function makeRenewedSite(key?: KeyObject): Promise<RenewedSite> {
  const root = mkdtempSync(join(tmpdir(), 'linkgrant-renewing-'));
  const [directory, dataDirectory] = [join(root, 'links'), join(root, 'data')];
  const server = await startRenewingServer(randomUUID(), NAME);
  const first = await secretDueForRenewal(server, key);
  const materializer = directoryMaterializer(directory, Date.now);
  await materializer.materialize(first, [linkTo('router.example.com', 55671)], () => undefined);
  const links = linkDirectory(directory);
  const deps = (): RenewLinkDependencies => ({
    ...openLinkRenewal(dataDirectory, {
      clock: Date.now,
      timeoutMs: 5_000,
      checkpoint: () => undefined,
    }),
    links,
  });
  const secret = async () => {
    const there = await links.findSecret(NAME);
    if (!there) throw new Error('the Secret is gone');
    const certificate = new X509Certificate(there.tlsCrt);
    if (!certificate.publicKey.equals(createPublicKey(there.tlsKey ?? ''))) throw new Error('not a pair');
    return there;
  };
  const link = async () => {
    const found = renewableLink(await secret());
    if ('problem' in found) throw new Error(found.problem);
    return found;
  };
  const renew: RenewedSite['renew'] = async (changes = {}, given) =>
    renewLink(NAME, given ?? (await link()), { ...deps(), ...changes });
  return {
    server,
    directory,
    dataDirectory,
    secret,
    link,
    renew,
    outcome: (changes) =>
      renew(changes).then(
        () => 'renewed',
        (error: unknown) => (error instanceof RedemptionError ? error.code : String(error)),
      ),
    spawn: (options = {}) => runProgram(SCRIPT, { name: NAME, dataDirectory, to: directory, ...options }),
    storedKeyFiles: () => {
      const kept = join(dataDirectory, 'renewals');
      if (!existsSync(kept)) return [];
      return (readdirSync(kept, { recursive: true }) as string[]).filter((name) => name.endsWith('.pem'));
    },
    close: async () => {
      await server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
