import { useSyncExternalStore } from 'preact/compat';
import { announce, onChange } from '../api/changes.js';
import { ApiError, client, dataOf, onSession } from '../api/client.js';
import { useSession } from './session.js';

const READ_MS = 15_000;
const RETRY_MS = 3_000;
// Less than RETRY_MS, so that the first repetition exceeds it.
const LOST_MS = 2_000;

/** What the console knows about the service. */
export interface ServiceState {
  /** The time since which no response has arrived, in milliseconds since the epoch; absent while responses arrive. */
  readonly silentSince?: number;
  /** True if a repeated request got no response either. */
  readonly isLost?: boolean;
  /** Why no site can redeem a token at the moment; absent if nothing prevents it, or while no response arrives. */
  readonly problem?: string | undefined;
  /** Whether the service reports which links are connected; absent until that is known. */
  readonly observesConnections?: boolean | undefined;
}

const listeners = new Set<() => void>();
let current: ServiceState = {};
let isReading = false;
// True if the state may have changed since the running read began.
let isOutdated = false;

function change(next: ServiceState): void {
  current = next;
  for (const listener of listeners) listener();
}

function recordContact(isReachable: boolean): void {
  const { observesConnections } = current;
  if (isReachable && current.silentSince !== undefined) {
    change({ observesConnections });
    announce('all');
  }
  if (isReachable) return;
  const { silentSince = Date.now() } = current;
  change({ observesConnections, silentSince, isLost: Date.now() - silentSince >= LOST_MS });
}

function isDown(): boolean {
  return current.silentSince !== undefined || current.problem !== undefined;
}

/** Reads whether the service can serve sites. If that has changed, the screens read again. */
export async function readServiceState(): Promise<void> {
  isOutdated = isReading;
  if (isReading) return;
  isReading = true;
  const { problem, observesConnections = current.observesConnections } = await readState();
  const mustReadAgain = isOutdated;
  if (current.silentSince === undefined) {
    const isProblemNew = problem !== current.problem;
    change({ problem, observesConnections });
    if (isProblemNew) announce('all');
  }
  isReading = false;
  if (mustReadAgain) await readServiceState();
}

async function readState(): Promise<Pick<ServiceState, 'problem' | 'observesConnections'>> {
  try {
    return await dataOf(client.GET('/api/v1/service'));
  } catch (error) {
    return { problem: error instanceof ApiError ? error.message : String(error) };
  }
}

/**
 * Follows the state of the service while the page is visible: reads it every 15 seconds, every 3 seconds while no site can join,
 * and when anything may have changed. While no site can join, each change of a resource may show that the service runs again.
 * Returns a function that stops this.
 */
export function followService(): () => void {
  let timer: ReturnType<typeof setTimeout>;
  let isStopped = false;
  const readAgain = async () => {
    clearTimeout(timer);
    if (!document.hidden) await readServiceState();
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(readAgain, isDown() ? RETRY_MS : READ_MS);
  };
  onSession.contact = recordContact;
  const stop = onChange((topic) => {
    if (topic === 'all' || isDown()) void readAgain();
  });
  void readAgain();
  return () => {
    stop();
    isStopped = true;
    clearTimeout(timer);
    onSession.contact = () => {};
  };
}

/** The state of the service; renders again when it changes. */
export function useService(): ServiceState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

/** Whether the console can show which links are connected; undefined until that is known. */
export function useObservesConnections(): boolean | undefined {
  return useService().observesConnections;
}

/**
 * True if `linkgrant console`, which served this page, no longer responds. The console of a team is part of a service that
 * may start again.
 */
export function useHasEnded(): boolean {
  const { canSignOut } = useSession();
  return useService().isLost === true && !canSignOut;
}
