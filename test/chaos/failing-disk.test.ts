import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { directoryForTest } from '../support/release.js';

const SCENARIO = fileURLToPath(new URL('service-on-failing-disk.mjs', import.meta.url));

it.each([
  { workers: 1, fault: 'becomes full, then read-only' },
  { workers: 2, fault: 'becomes full' },
])(
  'a service whose disk $fault answers 503, counts nothing, and recovers without a restart (processes: $workers)',
  ({ workers }) => {
    const directory = directoryForTest();
    const userNamespace = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const command = [...userNamespace, '--mount', process.execPath, SCENARIO, directory, String(workers)];
    const answers = JSON.parse(execFileSync('unshare', command, { encoding: 'utf8', timeout: 220_000 }));
    const unavailable = { status: 503, text: 'Internal error', retryAfter: true };
    expect(answers).toEqual({
      before: 200,
      full: unavailable,
      stillFull: [unavailable],
      freed: [200],
      countedThen: [11, 11],
      // A file system cannot become read-only while another process has a file open for writing.
      ...(workers === 1 && {
        gone: unavailable,
        readOnly: unavailable,
        writable: 200,
        countedAtLast: [12, 12],
      }),
    });
  },
);
