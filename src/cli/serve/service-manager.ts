import { execFile } from 'node:child_process';
import type { Logger } from 'pino';
import type { Environment } from '../../config/process-context.js';

/** What tells the manager of services (systemd) how the service is; does nothing where none wants to know. */
export interface ServiceManager {
  /** The service answers; `status` is shown with its state. */
  ready(status: string): void;
  /** Credentials are read anew; over with the next `ready`. */
  reloading(): void;
  /** The service was told to stop. Resolves when all that was told has been taken. */
  stopping(): Promise<void>;
}

// systemd takes a message only from a process that it still finds: the program waits until it was taken.
const PROGRAM = 'systemd-notify';
const PATIENCE_MS = 3_000;
const SILENT: ServiceManager = { ready() {}, reloading() {}, async stopping() {} };

/**
 * The protocol of sd_notify(3), spoken by the program systemd-notify, since Node has no datagrams on Unix sockets. Where
 * the manager watches, it is told at half its time that all is well for as long as `isWell()`; it ends and starts the
 * service anew when it hears nothing.
 */
export function serviceManager(env: Environment, logger: Logger, isWell: () => boolean): ServiceManager {
  if (!env.NOTIFY_SOCKET) return SILENT;
  let last = Promise.resolve();
  let failed = false;
  const tell = (...words: readonly string[]) => {
    // One after another: the order says what holds.
    last = last
      .then(() => notify(words))
      .catch((error: unknown) => {
        if (!failed)
          logger.warn({ event: 'notify_failed', err: error }, 'systemd was not told how the service is');
        failed = true;
      });
  };
  const everyMs = watchdogMs(env);
  // One sign at a time: where telling takes longer than the time between two, they must not queue up and outlast what was well.
  let signing = false;
  const sign = async () => {
    if (signing || !isWell()) return;
    signing = true;
    tell('WATCHDOG=1');
    await last;
    signing = false;
  };
  const watched = everyMs === undefined ? undefined : setInterval(sign, everyMs / 2);
  watched?.unref();
  return {
    ready: (status) => tell('READY=1', `STATUS=${status}`),
    reloading: () => tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`),
    async stopping() {
      clearInterval(watched);
      tell('STOPPING=1', 'STATUS=Answering what is running');
      await last;
    },
  };
}

/** How long the manager waits for a sign of this process; undefined where it does not. */
function watchdogMs({ WATCHDOG_USEC = '', WATCHDOG_PID }: Environment): number | undefined {
  const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  return isMeant && /^[1-9]\d{0,15}$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) / 1_000 : undefined;
}

function notify(words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(PROGRAM, words, { timeout: PATIENCE_MS }, (error) => (error ? reject(error) : resolve()));
  });
}
