import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { issueToken } from '../support/accepting-site.js';
import { ENDPOINT, linkgrant, refusalOf, type Serving, Workplace } from '../support/command-line.js';
import { metricOf, readOperations } from '../support/operations.js';
import { childrenOf } from '../support/process-children.js';
import { releaseAfterFile } from '../support/release.js';
import { makeIdentity, type TestIdentity, writeIdentity } from '../support/server-identity.js';
import { until } from '../support/until.js';
import { post } from '../support/wire.js';

const OPERATIONS = ['--ops-listen', '127.0.0.1:0'];

const place = releaseAfterFile(new Workplace());

async function connectTo(service: Serving, ca: string): Promise<TLSSocket> {
  const socket = connect({ port: service.port, host: '127.0.0.1', ca });
  await once(socket, 'secureConnect');
  return socket;
}

/** Resolves when a service no longer accepts connections. */
const untilClosed = (service: Serving, ca: string) =>
  until(() =>
    connectTo(service, ca).then(
      (socket) => {
        socket.destroy();
        return false;
      },
      () => true,
    ),
  );

const redeem = (token: string) =>
  linkgrant(['token', 'redeem', '-', '--to', '-', '--data-dir', place.path('site')], { input: token });

describe('a service that receives SIGTERM or SIGINT', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'answers the request in progress after %s, and exits with 0',
    async (signal) => {
      const dataDir = place.path(`stop-${signal}`);
      const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT, ...OPERATIONS]);
      const { url, code, ca } = await issueToken(dataDir);
      const other = await issueToken(dataDir);
      const socket = await connectTo(service, ca);
      socket.write(
        `POST ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\nContent-Length: ${code.length}\r\n\r\n`,
      );
      socket.write(code.slice(0, 3));
      // A later redemption has completed, so the service has read the headers of this request.
      const later = await post({ port: service.port, ca }, new URL(other.url).pathname, other.code);
      expect(later.status).toBe(200);
      service.signal(signal);
      await untilClosed(service, ca);
      const { status, text } = await readOperations(service, '/readyz');
      const { parts } = JSON.parse(text);
      expect(Object.keys(parts).sort()).toEqual(['certificate', 'issuer', 'listener', 'store']);
      expect([status, parts.listener.reason]).toEqual([503, expect.stringContaining('stopping')]);
      socket.write(code.slice(3));
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
      await once(socket, 'end');
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(answer).toMatch(/kind: "?Link"?/);
      expect(await service.ended).toEqual({ code: 0, signal: null });
      const list = await linkgrant(['redemption', 'list', '-o', 'json', '--data-dir', dataDir]);
      expect(JSON.parse(list.stdout)).toHaveLength(2);
    },
  );
});

describe('a service whose TLS files are replaced', () => {
  const files = { cert: place.path('tls.crt'), key: place.path('tls.key'), ca: place.path('ca.crt') };
  const tls = ['--tls-cert', files.cert, '--tls-key', files.key, '--tls-ca', files.ca];
  const write = (identity: TestIdentity) => {
    for (const [name, file] of Object.entries(files)) {
      writeFileSync(`${file}.new`, identity[name as keyof TestIdentity]);
      renameSync(`${file}.new`, file);
    }
  };

  it('writes the new CA into tokens after SIGHUP', async () => {
    const dataDir = place.path('reload-ca');
    const first = await makeIdentity();
    write(first);
    const service = await place.serve(['--data-dir', dataDir, ...tls, ...ENDPOINT]);
    expect((await issueToken(dataDir)).ca.trim()).toBe(first.ca.trim());
    const second = await makeIdentity();
    write(second);
    service.signal('SIGHUP');
    await until(() => service.said.stderr.includes('certificate_reloaded'));
    const token = await issueToken(dataDir);
    expect(token.ca.trim()).toBe(second.ca.trim());
    expect(service.said.stderr).not.toContain('PRIVATE');
    expect((await redeem(token.text)).code).toBe(0);
  });
});

describe('a service with two workers', () => {
  it('adds up the answers of both, replaces a worker that dies, and ends both at SIGTERM', async () => {
    const dataDir = place.path('workers');
    const service = await place.serve(['--data-dir', dataDir, '--workers', '2', ...ENDPOINT, ...OPERATIONS]);
    const workers = () => childrenOf(service.pid);
    await until(() => workers().length === 2);
    const isReady = async () => (await readOperations(service, '/readyz')).status === 200;
    await until(isReady);
    const readiness = JSON.parse((await readOperations(service, '/readyz')).text);
    expect(Object.keys(readiness.parts).sort()).toEqual(['certificate', 'issuer', 'store', 'workers']);
    // A worker reports its metrics when it begins to serve, and every 5 seconds after that.
    expect(await metricOf(service, 'linkgrant_requests_in_flight')).toBe(0);

    const { url, ca } = await issueToken(dataDir);
    const path = new URL(url).pathname;
    const sendWrongCode = () => post({ port: service.port, ca }, path, 'x'.repeat(24));
    const counted = () =>
      metricOf(service, 'linkgrant_responses_total{operation="redeem",outcome="code_wrong"}');
    for (let round = 0; round < 5; round += 1) await Promise.all(Array.from({ length: 8 }, sendWrongCode));
    await until(async () => (await counted()) >= 40);
    expect(await counted()).toBe(40);

    const [doomed, survivor] = workers();
    process.kill(doomed as number, 'SIGKILL');
    await until(() => service.said.stderr.includes('worker_ended'));
    await until(async () => {
      // A reload does not end the worker that is starting.
      service.signal('SIGHUP');
      return workers().length === 2 && (await isReady());
    });
    expect(workers()).toContain(survivor);
    expect(workers()).not.toContain(doomed);
    // The service retains the counts of the dead worker.
    expect(await counted()).toBe(40);
    await Promise.all(Array.from({ length: 8 }, sendWrongCode));
    await until(async () => (await counted()) >= 48);
    expect(await counted()).toBe(48);
    const { text } = await readOperations(service, '/metrics');
    expect(text).toContain('linkgrant_workers{state="serving"} 2\n');
    expect(text).toContain('linkgrant_worker_ends_total 1\n');
    const token = await issueToken(dataDir);
    expect((await redeem(token.text)).code).toBe(0);

    const [one, two] = workers() as [number, number];
    const socket = await connectTo(service, ca);
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\nhalf of code`);
    await sendWrongCode();
    const stopped = service.stop();
    await untilClosed(service, ca);
    // systemd sends SIGTERM to each process of a unit, so the workers get it twice.
    for (const pid of workers()) {
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // The worker without a request has ended already.
      }
    }
    const answer = once(socket, 'data');
    socket.write('another half');
    expect(String(await answer)).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
    expect(await stopped).toEqual({ code: 0, signal: null });
    for (const pid of [one, two]) expect(() => process.kill(pid, 0)).toThrow();
  });

  it('reports how many serve while one does not start, and continues with the other', async () => {
    const dataDir = place.path('one-worker');
    const identity = await makeIdentity();
    const { tlsCert, tlsKey, tlsCa } = writeIdentity(place.directory, identity);
    const tls = ['--tls-cert', tlsCert, '--tls-key', tlsKey, '--tls-ca', tlsCa];
    const service = await place.serve([
      ...['--data-dir', dataDir, '--workers', '2', '--log-level', 'error'],
      ...[...tls, ...ENDPOINT, ...OPERATIONS],
    ]);
    const readiness = async () => {
      const { status, text } = await readOperations(service, '/readyz');
      return { status, parts: JSON.parse(text).parts };
    };
    await until(async () => (await readiness()).status === 200);
    // A running worker retains its key; a new worker finds no valid key.
    writeFileSync(tlsKey, 'no key');
    process.kill(childrenOf(service.pid)[0] as number, 'SIGKILL');
    await until(() => service.said.stderr.includes('worker_failed'));
    expect(await readiness()).toEqual({
      status: 503,
      parts: {
        workers: { ready: false, reason: '1 of 2 workers serve' },
        store: { ready: true },
        certificate: { ready: true },
        issuer: { ready: true },
      },
    });
    expect((await redeem((await issueToken(dataDir)).text)).code).toBe(0);
    writeFileSync(tlsKey, identity.key);
    await until(async () => (await readiness()).status === 200);
  });
});

describe('a grant created while the service had no endpoint', () => {
  it('a pending grant becomes ready, and its window starts, once a service with an endpoint starts', async () => {
    const dataDir = place.path('later');
    const without = await place.serve(['--data-dir', dataDir]);
    const made = await linkgrant(['grant', 'create', 'early', '-o', 'json', '--data-dir', dataDir]);
    const grant = JSON.parse(made.stdout);
    expect(grant).toMatchObject({ state: 'pending' });
    expect(grant).not.toHaveProperty('expirationTime');
    const reason =
      'the service has not set it to Ready; check that the service runs, and that the site accepts links or the service has an --endpoint';
    expect(grant).toMatchObject({ reason });
    const words = ['--data-dir', dataDir];
    expect((await linkgrant(['grant', 'list', ...words])).stdout).toMatch(
      /^early +pending .* the service has/m,
    );
    expect((await linkgrant(['grant', 'show', 'early', ...words])).stdout).toContain(reason);
    const code = place.path('early.code');
    writeFileSync(code, `${grant.code}\n`);
    const issueEarly = () =>
      linkgrant(['token', 'issue', '-', '--grant', 'early', '--code-file', code, '--data-dir', dataDir]);
    const tooEarly = await issueEarly();
    expect(tooEarly.code).toBe(1);
    expect(tooEarly.stdout).toBe('');
    expect(refusalOf(tooEarly).hint).toContain('--endpoint');
    await without.stop();

    await place.serve(['--data-dir', dataDir, ...ENDPOINT]);
    const shown = await linkgrant(['grant', 'show', 'early', '-o', 'json', '--data-dir', dataDir]);
    expect(JSON.parse(shown.stdout)).toMatchObject({ state: 'ready', expirationTime: expect.any(String) });
    expect(JSON.parse(shown.stdout)).not.toHaveProperty('reason');
    const token = await issueEarly();
    expect((await redeem(token.stdout)).code).toBe(0);
  });
});
