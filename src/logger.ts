import pino, { type Logger } from 'pino';

/** JSON lines on standard error: `time` in RFC 3339, `level` as a word. Writes do not hold up the event loop. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: false }),
  );
}
