import { spawn } from 'node:child_process';
import { once } from 'node:events';

const AT_ONCE = 4;
const PUBLIC_KEY = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/;

async function verify(der) {
  const child = spawn('openssl', ['req', '-inform', 'DER', '-verify', '-noout', '-pubkey'], {
    timeout: 60_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  // It may have refused what it read before all was written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(der);
  await once(child, 'close');
  const key = PUBLIC_KEY.exec(output)?.[1];
  return output.includes('verify OK') && key !== undefined ? Buffer.from(key, 'base64') : undefined;
}

/**
 * What `openssl req -verify` makes of each request, in order: DER of its public key where it is proven, else undefined.
 * Runs a process for each, a few at once.
 */
export async function opensslVerdicts(ders) {
  const verdicts = [];
  const queue = [...ders].entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [index, der] of queue) verdicts[index] = await verify(der);
    }),
  );
  return verdicts;
}
