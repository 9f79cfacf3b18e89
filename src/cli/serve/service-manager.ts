import { execFile } from 'node:child_process';
import type { Logger } from 'pino';
import type { Environment } from '../../config/command-context.js';

/** Reports the state of the service to its manager (systemd); does nothing without one. */
export interface ServiceManager {
  /** Reports that the service answers; the manager displays `status`. */
  ready(status: string): void;
  /** Reports that credentials are being reloaded; the next `ready` reports the end of the reload. */
  reloading(): void;
  /** Reports that the service is stopping. Resolves when all messages are delivered. */
  stopping(): Promise<void>;
}

// systemd-notify waits until systemd has processed the message, because systemd may drop a message of a process that has ended.
const PROGRAM = 'systemd-notify';
const TIMEOUT_MS = 3_000;
const SILENT: ServiceManager = { ready() {}, reloading() {}, async stopping() {} };

/**
 * Implements the protocol of sd_notify(3) with the program systemd-notify, because Node has no Unix datagram sockets. With a
 * watchdog, sends keep-alives at half its interval while `isHealthy()` is true. Without keep-alives systemd restarts the service.
 */
export function serviceManager(env: Environment, logger: Logger, isHealthy: () => boolean): ServiceManager {
  if (!env.NOTIFY_SOCKET) return SILENT;
  let last = Promise.resolve();
  let hasFailed = false;
  const enqueue = (...words: readonly string[]) => {
    // Messages are sent in order, because the last one determines the state.
    last = last
      .then(() => notify(words))
      .catch((error: unknown) => {
        if (!hasFailed)
          logger.warn(
            { event: 'notify_failed', err: error },
            'the state of the service was not reported to systemd',
          );
        hasFailed = true;
      });
  };
  const intervalMs = watchdogMs(env);
  // At most one keep-alive waits: those queued behind a slow one would still be sent after the service became unhealthy.
  let isSending = false;
  const sendKeepAlive = async () => {
    if (isSending || !isHealthy()) return;
    isSending = true;
    enqueue('WATCHDOG=1');
    await last;
    isSending = false;
  };
  const keepAliveTimer = intervalMs === undefined ? undefined : setInterval(sendKeepAlive, intervalMs / 2);
  keepAliveTimer?.unref();
  return {
    ready: (status) => enqueue('READY=1', `STATUS=${status}`),
    reloading: () => enqueue('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`),
    async stopping() {
      clearInterval(keepAliveTimer);
      enqueue('STOPPING=1', 'STATUS=Finishing running requests');
      await last;
    },
  };
}

/** The watchdog interval of this process in milliseconds; undefined without a watchdog. */
function watchdogMs({ WATCHDOG_USEC = '', WATCHDOG_PID }: Environment): number | undefined {
  const isForThisProcess = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  return isForThisProcess && /^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)
    ? Number(WATCHDOG_USEC) / 1_000
    : undefined;
}

function notify(words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(PROGRAM, words, { timeout: TIMEOUT_MS }, (error) => (error ? reject(error) : resolve()));
  });
}
