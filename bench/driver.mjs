// The client side, in a process of its own: posts prepared requests, each on a TLS connection of its own, and tells its
// parent how that went.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createSecureContext } from 'node:tls';
import { percentile } from './statistics.mjs';

const GIVE_UP_MS = 30_000;

/** One cold exchange; resolves with what came of it and how long it took, from connecting to the end of the answer. */
function exchange({ port, from }, secureContext, request) {
  return new Promise((resolve) => {
    const start = performance.now();
    const chunks = [];
    let failure;
    // No session is offered, so that each handshake is a full one.
    // OpenSSL verifies the chain. Node would read the whole certificate for its names besides, which is two fifths of what a
    // driver does.
    const to = {
      host: '127.0.0.1',
      port,
      secureContext,
      localAddress: from,
      checkServerIdentity: () => undefined,
    };
    const socket = connect(to, () => socket.write(request));
    socket.getPeerCertificate = () => ({});
    socket.setTimeout(GIVE_UP_MS, () => socket.destroy(new Error('no answer in time')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', (error) => {
      failure = error.code ?? error.message;
    });
    socket.on('close', () => {
      const answer = Buffer.concat(chunks);
      const outcome = failure ?? answer.toString('latin1', 9, 12);
      resolve({ ms: performance.now() - start, outcome, answer });
    });
  });
}

/**
 * Posts all requests, `clients` at a time, from the address `from` if it is given; to several `ports` in turn. With
 * `perSecond` none begins before its turn at that rate.
 */
async function drive({ port, ports = [port], ca, clients, requests, from, perSecond }) {
  const secureContext = createSecureContext({
    ca,
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519',
  });
  const texts = requests.map((request) => Buffer.from(request));
  const times = [];
  const servedTimes = [];
  const outcomes = {};
  let bytes = 0;
  let sample;
  let next = 0;
  const to = (turn) => ({ port: ports[turn % ports.length], from });
  const client = async () => {
    while (next < texts.length) {
      const turn = next++;
      const early = perSecond === undefined ? 0 : start + (turn * 1000) / perSecond - performance.now();
      if (early > 0) await sleep(early);
      const { ms, outcome, answer } = await exchange(to(turn), secureContext, texts[turn]);
      times.push(ms);
      if (outcome === '200') servedTimes.push(ms);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      bytes += answer.length;
      sample ??= answer.toString('latin1');
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

process.on('message', async (order) => process.send(await drive(order)));
process.on('disconnect', () => process.exit());
