import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Workplace } from '../support/command-line.js';
import { readOperations } from '../support/operations.js';
import { childrenOf } from '../support/process-children.js';
import { releaseAfterTest } from '../support/release.js';
import { until } from '../support/until.js';

/** A datagram socket that stands for systemd's. */
interface NotifySocket {
  /** Skips messages until `isWanted` is true for one, and returns its lines; null stands for a period without a message. */
  next(isWanted: (lines: readonly string[] | null) => boolean): Promise<readonly string[] | null>;
}

/**
 * Listens at an address of NOTIFY_SOCKET until the end of the test. `silentSeconds` without a message count as the message null.
 */
async function openNotifySocket(address: string, silentSeconds = 600): Promise<NotifySocket> {
  const script = join(import.meta.dirname, 'notify-socket.py');
  const child = spawn('python3', [script, address, String(silentSeconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  releaseAfterTest({
    async stop() {
      if (child.kill()) await once(child, 'close');
    },
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next: NotifySocket['next'] = async (isWanted) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the listener ended');
      const message = JSON.parse(value) as string[] | null;
      if (isWanted(message)) return message;
    }
  };
  await next((message) => message?.[0] === 'listening');
  return { next };
}

let work: Workplace;

beforeEach(() => {
  work = releaseAfterTest(new Workplace());
});

function serve(words: readonly string[], env: Record<string, string>) {
  const always = ['--data-dir', work.path('data'), '--endpoint', 'edge=router:1'];
  return work.serve([...always, ...words], { env });
}

const says = (line: string) => (lines: readonly string[] | null) => lines?.includes(line) ?? false;
const anything = (lines: readonly string[] | null) => lines !== null;

describe('serve, started by systemd', () => {
  it.each([
    ['', []],
    [' with 2 workers', ['--workers', '2']],
  ])('notifies systemd at start, reload and stop%s', async (status, words) => {
    const socket = work.path('notify');
    const systemd = await openNotifySocket(socket);
    const service = await serve(words, { NOTIFY_SOCKET: socket });
    const ready = ['READY=1', `STATUS=Serving ${service.url}${status}`];
    expect(await systemd.next(anything)).toEqual(ready);
    service.signal('SIGHUP');
    const monotonic = expect.stringMatching(/^MONOTONIC_USEC=\d+$/);
    expect(await systemd.next(anything)).toEqual(['RELOADING=1', monotonic]);
    expect(await systemd.next(anything)).toEqual(ready);
    expect((await service.stop()).code).toBe(0);
    expect(await systemd.next(anything)).toContain('STOPPING=1');
  });

  it('notifies an abstract socket', async () => {
    const socket = `@linkgrant-${randomUUID()}`;
    const systemd = await openNotifySocket(socket);
    await serve([], { NOTIFY_SOCKET: socket });
    expect(await systemd.next(anything)).toContain('READY=1');
  });

  it('sends watchdog notifications if WATCHDOG_USEC is set', async () => {
    const socket = work.path('notify');
    const systemd = await openNotifySocket(socket);
    await serve([], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' });
    await systemd.next(says('READY=1'));
    for (let count = 0; count < 3; count += 1) expect(await systemd.next(anything)).toEqual(['WATCHDOG=1']);
  });

  it('queues no notifications while systemd-notify is slow, and sends no old ones when it stops', async () => {
    const slow = work.path('systemd-notify');
    const sent = work.path('sent');
    const script = `#!/bin/sh\nsleep 0.5\necho "$1" >>"${sent}"\n`;
    writeFileSync(slow, script, { mode: 0o755 });
    const PATH = `${dirname(slow)}:${process.env.PATH}`;
    const service = await serve([], { NOTIFY_SOCKET: work.path('notify'), WATCHDOG_USEC: '10000', PATH });
    const notifications = () => (existsSync(sent) ? readFileSync(sent, 'utf8').split('\n').slice(0, -1) : []);
    await vi.waitFor(() => expect(notifications().length).toBeGreaterThan(3), { timeout: 30_000 });
    const before = notifications().length;
    expect((await service.stop()).code).toBe(0);
    const last = notifications().slice(before);
    expect(last.at(-1)).toBe('STOPPING=1');
    // A queue would contain a notification for each 10 ms of more than two seconds.
    expect(last.length).toBeLessThan(50);
  });

  it('sends no watchdog notifications if WATCHDOG_PID is another process', async () => {
    const socket = work.path('notify');
    const systemd = await openNotifySocket(socket, 2);
    await serve([], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000', WATCHDOG_PID: '1' });
    await systemd.next(says('READY=1'));
    expect(await systemd.next(() => true)).toBeNull();
  });

  it('sends no watchdog notifications while one of its workers hangs', async () => {
    const socket = work.path('notify');
    const systemd = await openNotifySocket(socket, 5);
    const service = await serve(['--workers', '2'], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' });
    await systemd.next(says('WATCHDOG=1'));
    const [hung] = childrenOf(service.pid).filter(isWorker);
    process.kill(Number(hung), 'SIGSTOP');
    try {
      expect(await systemd.next((lines) => lines === null)).toBeNull();
    } finally {
      process.kill(Number(hung), 'SIGCONT');
    }
    expect(await systemd.next(anything)).toEqual(['WATCHDOG=1']);
  });

  it('reports the end of a reload when every worker has reloaded its certificates', async () => {
    const socket = work.path('notify');
    const systemd = await openNotifySocket(socket, 2);
    const words = ['--workers', '2', '--ops-listen', '127.0.0.1:0'];
    const service = await serve(words, { NOTIFY_SOCKET: socket });
    await systemd.next(says('READY=1'));
    // READY=1 is sent when one worker serves. A reload waits for the workers that serve when it begins.
    await until(async () => (await readOperations(service, '/readyz')).status === 200);
    const [slow] = childrenOf(service.pid).filter(isWorker);
    process.kill(Number(slow), 'SIGSTOP');
    try {
      service.signal('SIGHUP');
      await systemd.next(says('RELOADING=1'));
      expect(await systemd.next(() => true)).toBeNull();
    } finally {
      process.kill(Number(slow), 'SIGCONT');
    }
    expect(await systemd.next(anything)).toContain('READY=1');
  });

  it('serves if it cannot notify, and logs that once', async () => {
    const env = { NOTIFY_SOCKET: work.path('nobody'), WATCHDOG_USEC: '100000', PATH: '/nowhere' };
    const service = await serve([], env);
    service.signal('SIGHUP');
    expect((await service.stop()).code).toBe(0);
    const lines = service.said.stderr.split('\n').filter((line) => line.includes('notify_failed'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ err: { code: 'ENOENT' } });
  });
});

function isWorker(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).includes('serve');
  } catch {
    return false;
  }
}
