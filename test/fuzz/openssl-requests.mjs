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
  // openssl may refuse the request before it has read all of it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(der);
  await once(child, 'close');
  const key = PUBLIC_KEY.exec(output)?.[1];
  return output.includes('verify OK') && key !== undefined ? Buffer.from(key, 'base64') : undefined;
}

/**
 * For each request, in order: DER of its public key if `openssl req -verify` accepts it, else undefined.
 * Runs a process for each request, a few at a time.
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
