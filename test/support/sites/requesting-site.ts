import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAnswer } from '../../../src/client/answer-reader.js';
import { createRedemptionClient } from '../../../src/client/https-redemption-client.js';
import type { AccessToken } from '../../../src/domain/access-token.js';
import { RedemptionError } from '../../../src/domain/redemption-error.js';
import { directoryMaterializer } from '../../../src/platforms/files/directory-materializer.js';
import { pendingDirectories } from '../../../src/platforms/standalone/pending-directory.js';
import { requestDirectory } from '../../../src/platforms/standalone/request-directory.js';
import {
  type RedeemedToken,
  type RedeemTokenDependencies,
  type RedeemTokenRequest,
  redeemToken,
} from '../../../src/redemption/requesting/redeem-token.js';
import { runProgram } from '../programs.js';

const SCRIPT = fileURLToPath(new URL('token-redeemer.mjs', import.meta.url));

/** How a redeeming process ended: `killed`, or what it printed. */
export interface ProcessOutcome {
  readonly killed?: true;
  readonly serial?: string;
  readonly names?: readonly string[];
  readonly alreadyRedeemed?: boolean;
  readonly code?: string;
}

/** A data directory and a place for links, both beneath one temporary directory. */
export interface RequestingSite {
  readonly root: string;
  readonly dataDirectory: string;
  /** Where links are materialized. */
  readonly to: string;
  /** Redeems in this process. A wait between two attempts takes 10 ms at most. */
  redeem(request: RedeemTokenRequest, changes?: Partial<RedeemTokenDependencies>): Promise<RedeemedToken>;
  /** The code that redeeming fails with, or `redeemed`. */
  outcome(request: RedeemTokenRequest, changes?: Partial<RedeemTokenDependencies>): Promise<string>;
  /** Redeems in another process. */
  spawn(
    token: AccessToken,
    options?: { dieAt?: string; retry?: boolean; postingLimitMs?: number },
  ): Promise<ProcessOutcome>;
  /** Every file beneath `root` with its content, by its path. */
  files(): Map<string, string>;
  remove(): void;
}

/** Creates a site without links. */
export function makeRequestingSite(): RequestingSite {
  const root = mkdtempSync(join(tmpdir(), 'linkgrant-requesting-'));
  const dataDirectory = join(root, 'data');
  const to = join(root, 'links');
  const deps: RedeemTokenDependencies = {
    client: createRedemptionClient({ clock: Date.now, timeoutMs: 5_000 }),
    readAnswer,
    openPending: pendingDirectories(dataDirectory, Date.now),
    linkRequests: requestDirectory(dataDirectory),
    materializer: directoryMaterializer(to, Date.now),
    clock: Date.now,
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, 10))),
    postingLimitMs: 200,
    checkpoint: () => undefined,
  };
  const redeem: RequestingSite['redeem'] = (request, changes = {}) =>
    redeemToken(request, { ...deps, ...changes });
  return {
    root,
    dataDirectory,
    to,
    redeem,
    outcome: (request, changes) =>
      redeem(request, changes).then(
        () => 'redeemed',
        (error: unknown) => (error instanceof RedemptionError ? error.code : String(error)),
      ),
    spawn: (token, options = {}) => runProgram(SCRIPT, { token, dataDirectory, to, ...options }),
    files: () => {
      const entries = readdirSync(root, { recursive: true, withFileTypes: true });
      const paths = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      return new Map(paths.map((path) => [path.slice(root.length + 1), readFileSync(path, 'utf8')]));
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
