import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A datagram socket that stands for systemd's. */
export interface NotifySocket {
  /** Skips messages until `isWanted` is true for one, and returns its lines; null stands for a period without a message. */
  next(isWanted: (lines: readonly string[] | null) => boolean): Promise<readonly string[] | null>;
  close(): Promise<void>;
}

/** Listens at an address of NOTIFY_SOCKET. `silentSeconds` without a message count as the message null. */
export async function openNotifySocket(address: string, silentSeconds = 600): Promise<NotifySocket> {
  const script = join(import.meta.dirname, 'notify-socket.py');
  const child = spawn('python3', [script, address, String(silentSeconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
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
  return {
    next,
    async close() {
      child.kill();
      await ended;
    },
  };
}
