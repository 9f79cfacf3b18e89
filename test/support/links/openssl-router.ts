import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestIdentity } from '../server-identity.js';

/** `openssl s_server` in place of a router, on a free port of 127.0.0.1. */
export interface OpensslRouter {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts a server that requires a client certificate of `clientCa` (by default the CA of `identity`), and refuses others with
 * an alert, as a router does. `atTime` is the time at which it verifies certificates, in milliseconds since the epoch.
 */
export async function startOpensslRouter(
  identity: TestIdentity,
  options: { readonly clientCa?: string; readonly atTime?: number; readonly words?: readonly string[] } = {},
): Promise<OpensslRouter> {
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-router-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const { atTime, words = ['-tls1_3'] } = options;
  const child: ChildProcess = spawn('openssl', [
    's_server',
    ...['-accept', '127.0.0.1:0', '-Verify', '4', '-verify_return_error', ...words],
    ...['-cert', file('tls.crt', identity.cert), '-key', file('tls.key', identity.key)],
    ...['-CAfile', file('ca.crt', options.clientCa ?? identity.ca)],
    ...(atTime === undefined ? [] : ['-attime', String(Math.floor(atTime / 1_000))]),
  ]);
  const ended = once(child, 'close');
  let said = '';
  child.stderr?.resume();
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /^ACCEPT .*:(\d+)$/m.exec(said);
      if (found) resolve(Number(found[1]));
    });
    ended.then(() => reject(new Error(`openssl s_server ended: ${said}`)));
  });
  return {
    port,
    async close() {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
