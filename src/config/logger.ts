import pino, { type Logger } from 'pino';

// A write costs as much CPU time as formatting a few lines, so lines are batched.
const BATCH_MS = 20;
const BATCH_BYTES = 8_192;
// Limit of buffered output while the reader is stalled. Further lines are dropped, because a response must not wait for the log.
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** A logger that writes nothing. */
export const silentLogger: Logger = pino({ enabled: false }, { write: () => undefined });

/**
 * Creates a logger of JSON lines on standard error: `time` in RFC 3339, `level` as a word. Lines are batched: they are written at
 * most 20 ms late, or when the process exits, and never block the event loop. While the reader is stalled, lines beyond 4 MiB
 * are dropped.
 */
export function createLogger(level: string): Logger {
  const destination = pino.destination({
    dest: 2,
    sync: false,
    minLength: BATCH_BYTES,
    maxLength: MAX_WAITING_BYTES,
  });
  let scheduled = false;
  const flush = () => {
    scheduled = false;
    destination.flush();
  };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string) {
        destination.write(line);
        if (!scheduled) setTimeout(flush, BATCH_MS);
        scheduled = true;
      },
    },
  );
}
