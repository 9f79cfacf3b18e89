import { existsSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { homeDirectory } from '../files/system-user.js';
import type { Environment } from './command-context.js';

function dataHome(env: Environment): string {
  return env.XDG_DATA_HOME || join(env.HOME || homeDirectory(), '.local', 'share');
}

/** The data directory of the service that the deb and rpm packages install, which belongs to a user of its own. */
const PACKAGED_SERVICE = '/var/lib/linkgrant-service';

/**
 * The default data directory: `/var/lib/linkgrant` for root, that of the packaged service for its user, else under the XDG data
 * home.
 */
export function defaultDataDir(env: Environment, isRoot: boolean): string {
  if (isRoot) return '/var/lib/linkgrant';
  const packaged = statSync(PACKAGED_SERVICE, { throwIfNoEntry: false });
  if (packaged && packaged.uid === process.getuid?.()) return PACKAGED_SERVICE;
  return join(dataHome(env), 'linkgrant');
}

/** Skupper's default data directory, as Skupper finds it; in a container it is mounted at `/output`. */
export function defaultSkupperHome(env: Environment, isRoot: boolean): string {
  const isContainer = ['/run/.containerenv', '/.dockerenv'].some((file) => existsSync(file));
  if (isContainer && existsSync('/output')) return '/output';
  if (isRoot) return '/var/lib/skupper';
  return join(dataHome(env), 'skupper');
}

// An open connection needs 45 KB before its request, most of it outside the heap of V8.
const BYTES_PER_CONNECTION = 64 * 1024;
const MAX_CONNECTIONS = 10_000;

/** The number of connections that fit into a quarter of the memory limit of this process, divided among the workers. */
export function defaultMaxConnections(workers: unknown): string {
  // If nothing limits the process, constrainedMemory is undefined, 0 or more than the memory of the machine.
  const memory = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
  const connections = Math.floor(memory / 4 / BYTES_PER_CONNECTION / Number(workers));
  return String(Math.min(MAX_CONNECTIONS, Math.max(1, connections)));
}
