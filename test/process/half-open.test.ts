import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { descriptorLimit } from '../../src/files/descriptor-limit.js';
import { issueToken } from '../support/accepting-site.js';
import { ENDPOINT, expectSuccess, linkgrant, Workplace } from '../support/command-line.js';
import { metricOf, readOperations } from '../support/operations.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';

// Both processes open a file for each connection, so the file limit of the machine limits the number.
const CONNECTIONS = Math.min(5_000, (descriptorLimit() ?? 5_000) - 1_000);
const PER_ADDRESS = 250;
const SLOW = 200;
const SITES = 300;
const UNPROVEN_PER_SOURCE = 256;

const place = releaseAfterFile(new Workplace());

it('a service serves while thousands of half-open connections and 200 slow senders are open', async () => {
  expect(CONNECTIONS).toBeGreaterThan(1_000);
  const flags = [...ENDPOINT, '--ops-listen', '127.0.0.1:0'];
  const dataDir = place.path('data');
  const service = await place.serve(['--data-dir', dataDir, '--max-connections', '10000', ...flags]);
  const { text: input, url, ca } = await issueToken(dataDir);
  const metric = (series: string) => metricOf(service, series);

  const sockets: Socket[] = [];
  const keep = <T extends Socket>(socket: T): T => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  };
  const connecting: Promise<unknown>[] = [];
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const localAddress = `127.0.0.${2 + Math.floor(count / PER_ADDRESS)}`;
    const socket = keep(createConnection({ host: '127.0.0.1', port: service.port, localAddress }));
    connecting.push(once(socket, 'connect'));
    // The client sends the beginning of a ClientHello, and nothing more.
    if (count % 2 === 0) socket.write(Buffer.from([0x16, 0x03, 0x01]));
    if (connecting.length === 500) await Promise.all(connecting.splice(0));
  }
  await Promise.all(connecting);
  // On a slow machine a handshake may exceed the service's time limit.
  const openTls = async (triesLeft = 20): Promise<TLSSocket> => {
    const socket = keep(connect({ host: '127.0.0.1', port: service.port, ca }));
    try {
      await once(socket, 'secureConnect');
      return socket;
    } catch (error) {
      if (triesLeft === 0) throw error;
      return openTls(triesLeft - 1);
    }
  };
  const slow = Array.from({ length: SLOW }, async (_, at) => {
    const socket = await openTls();
    socket.write(`POST ${new URL(url).pathname} HTTP/1.1\r\n`);
    socket.write(at % 2 === 0 ? 'x: y' : 'Host: h\r\nContent-Length: 24\r\n\r\nha');
    socket.resume();
  });
  await Promise.all(slow);

  const redeem = () =>
    linkgrant(['token', 'redeem', '-', '--to', '-', '--data-dir', place.path('site')], { input });
  let redeemed = await redeem();
  // A slow machine may be overloaded for some time. Any other failure fails the test.
  for (
    let retry = 0;
    retry < 20 && redeemed.code !== 0 && redeemed.stderr.includes('overloaded');
    retry += 1
  ) {
    await sleep(1_000);
    redeemed = await redeem();
  }
  expectSuccess(redeemed);
  expect((await readOperations(service, '/readyz')).status).toBe(200);
  await expect
    .poll(() => metric('linkgrant_connections_opened_total{listener="service"}'), { timeout: 60_000 })
    .toBeGreaterThanOrEqual(CONNECTIONS + SLOW);

  // The service closes all of them; the test has closed none.
  await expect
    .poll(() => metric('linkgrant_connections{listener="service",state="unproven"}'), { timeout: 60_000 })
    .toBe(0);
  expect(await metric('linkgrant_handshakes_failed_total{listener="service"}')).toBeGreaterThanOrEqual(
    CONNECTIONS,
  );
  for (const socket of sockets) socket.destroy();
});

it('a service serves 300 sites of one address while 300 idle connections of that address are open', async () => {
  const flags = [...ENDPOINT, '--ops-listen', '127.0.0.1:0'];
  const dataDir = place.path('behind-one-address');
  const service = await place.serve(['--data-dir', dataDir, ...flags]);
  const { url, ca, code } = await issueToken(dataDir, '--redemptions-allowed', String(SITES));
  const from = '127.0.0.9';
  const idle: Socket[] = [];
  for (let count = 0; count < SITES; count += 1) {
    const socket = createConnection({ host: '127.0.0.1', port: service.port, localAddress: from });
    idle.push(socket.on('error', () => undefined));
    await once(socket, 'connect');
  }
  const { pathname } = new URL(url);
  const site = async () => {
    const headers = csrHeader();
    // Under load a handshake may exceed its time limit, or the service answers 503: repeat, as a controller does.
    for (;;) {
      const response = post({ port: service.port, ca }, pathname, code, { from, headers });
      const answer = await response.catch(() => undefined);
      if (!answer) continue;
      if (answer.status !== 503) return redeemedAnswer(answer).certificate;
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
  };
  const certificates = await Promise.all(Array.from({ length: SITES }, site));
  expect(new Set(certificates).size).toBe(SITES);
  const dropped = 'linkgrant_connections_dropped_total{listener="service",reason="source_limit"}';
  expect(await metricOf(service, dropped)).toBeGreaterThanOrEqual(SITES - UNPROVEN_PER_SOURCE);
  for (const socket of idle) socket.destroy();
});
