import { CommandError, invalidValue } from '../terminal/command-error.js';

/** Parses `--port`. Without the flag returns 0: a free port. Throws a CommandError. */
export function parsePort(value: string | undefined): number {
  if (value === undefined) return 0;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw invalidValue('--port', value, 'use a number from 1 to 65535');
}

/** Returns a CommandError for a failure to listen on a loopback port; returns other errors unchanged. */
export function loopbackError(error: unknown, port: number): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== 'listen') return error;
  const cause = code === 'EADDRINUSE' ? 'is in use already' : `cannot be used (${code})`;
  return new CommandError(`port ${port} of 127.0.0.1 or ::1 ${cause}`, {
    exitCode: 1,
    hint: 'choose another with --port, or omit --port to use a free one',
    cause: error,
  });
}
