// The clients, in a process of their own: post prepared requests, each on a new TLS connection, and send the results to the
// parent process.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createSecureContext } from 'node:tls';
import { percentile } from './statistics.mjs';

const GIVE_UP_MS = 30_000;

/** Sends a request on a new connection. Resolves with the outcome, and the time from connecting to the end of the response. */
function exchange({ port, from }, secureContext, request) {
  return new Promise((resolve) => {
    const start = performance.now();
    const chunks = [];
    let failure;
    // Without a session, so that each handshake is complete. OpenSSL verifies the chain. Node's check of the names would take two
    // fifths of the driver's processor time.
    const to = {
      host: '127.0.0.1',
      port,
      secureContext,
      localAddress: from,
      checkServerIdentity: () => undefined,
    };
    const socket = connect(to, () => socket.write(request));
    socket.getPeerCertificate = () => ({});
    socket.setTimeout(GIVE_UP_MS, () => socket.destroy(new Error('no response in time')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', (error) => {
      failure = error.code ?? error.message;
    });
    socket.on('close', () => {
      const response = Buffer.concat(chunks);
      const outcome = failure ?? response.toString('latin1', 9, 12);
      resolve({ ms: performance.now() - start, outcome, response });
    });
  });
}

/**
 * Posts all requests to the `ports` in turn, `clients` at a time, from the address `from` if it is set. With `perSecond` the
 * requests start evenly spread at that rate.
 */
async function drive({ port, ports = [port], ca, clients, requests, from, perSecond }) {
  const secureContext = createSecureContext({ ca, minVersion: 'TLSv1.3', ecdhCurve: 'X25519' });
  const texts = requests.map((request) => Buffer.from(request));
  const times = [];
  const servedTimes = [];
  const outcomes = {};
  let bytes = 0;
  let sample;
  let next = 0;
  const client = async () => {
    while (next < texts.length) {
      const turn = next++;
      const delay = perSecond === undefined ? 0 : start + (turn * 1000) / perSecond - performance.now();
      if (delay > 0) await sleep(delay);
      const { ms, outcome, response } = await exchange(
        { port: ports[turn % ports.length], from },
        secureContext,
        texts[turn],
      );
      times.push(ms);
      if (outcome === '200') servedTimes.push(ms);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      bytes += response.length;
      sample ??= response.toString('latin1');
    }
  };
  const before = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  return {
    outcomes,
    sample,
    bytesEach: bytes / texts.length,
    perSecond: texts.length / seconds,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    servedP99Ms: percentile(servedTimes, 0.99),
    longestMs: percentile(times, 1),
    driverCpuMs: (user + system) / 1000 / texts.length,
  };
}

process.on('message', async (job) => process.send(await drive(job)));
process.on('disconnect', () => process.exit());
