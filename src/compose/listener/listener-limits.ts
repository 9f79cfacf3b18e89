import type { Logger } from 'pino';
import { descriptorLimit } from '../../files/descriptor-limit.js';

/** How long a stopping service waits for its open connections. The whole stop, with its store, takes less than 10 s. */
export const LISTENER_DRAIN_MS = 4_500;

// File descriptors that a process needs besides its connections: for the store, the log and Node itself.
const OTHER_DESCRIPTORS = 256;

/** Limits of the public listener besides that of its connections; times in milliseconds. Clients time out after 10 s. */
export const LISTENER_LIMITS = {
  // An RSA key takes up to 250 ms of CPU.
  queuedKeys: 64,
  // The specification of the PROXY protocol recommends at least 3 s, for a TCP retransmission.
  proxyHeaderTimeoutMs: 5_000,
  // A body has at most 4 KiB.
  bodyTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
} as const;

/**
 * Returns the limit of connections: `wanted`, or less if the process may open fewer files. `otherConnections` is the number of
 * connections that other listeners of the process may have.
 */
export function connectionLimit(wanted: number, otherConnections: number, logger: Logger): number {
  const otherDescriptors = OTHER_DESCRIPTORS + otherConnections;
  const descriptors = descriptorLimit();
  if (descriptors === undefined || wanted + otherDescriptors <= descriptors) return wanted;
  const limit = Math.max(1, descriptors - otherDescriptors);
  logger.warn(
    { event: 'connections_limited', limit, wanted, descriptors },
    `this process may open ${descriptors} files, so it accepts at most ${limit} connections; raise the limit of open files (ulimit -n, LimitNOFILE=), or lower --max-connections`,
  );
  return limit;
}
