import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { issueToken } from '../support/accepting-site.js';
import { ENDPOINT, expectRefusal, linkgrant, Workplace } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { releaseAfterFile } from '../support/release.js';
import { until } from '../support/until.js';

const place = releaseAfterFile(new Workplace());
let directories = 0;

function newDirectory(): string {
  directories += 1;
  return place.path(`data-${directories}`);
}

const serveIn = (dataDir: string, ...words: readonly string[]) =>
  place.serve(['--data-dir', dataDir, ...ENDPOINT, ...words]);

/** Runs a `serve` that is refused with exit code 2. Returns its error and hint. */
async function refusedIn(dataDir: string, ...words: readonly string[]) {
  const ended = await linkgrant([
    ...['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--ops-listen', 'off', ...words],
  ]);
  return expectRefusal(ended, 2);
}

const urlOfTokens = async (dataDir: string) => (await issueToken(dataDir)).url;

const certificateIn = (dataDir: string) =>
  new X509Certificate(
    readFileSync(`${dataDir}/server.pem`, 'utf8').replace(/-----BEGIN PRIVATE[\s\S]+?PRIVATE KEY-----\n/, ''),
  );

describe('a service on a data directory of a running service', () => {
  it('a second service with another setting is refused with the name of the setting, and changes nothing', async () => {
    const dataDir = newDirectory();
    const words = ['--external-url', 'https://grants.example.com', '--host', 'a.example.com'];
    await serveIn(dataDir, ...words);
    const before = certificateIn(dataDir).fingerprint256;
    const different: readonly (readonly [string, readonly string[]])[] = [
      ['--host', [...ENDPOINT, ...words.slice(0, 2), '--host', 'b.example.com']],
      ['--external-url', [...ENDPOINT, ...words.slice(2)]],
      ['--path-prefix', [...ENDPOINT, ...words, '--path-prefix', '/p']],
      ['--endpoint', [...words, '--endpoint', 'edge=router.example.com:45671']],
      ['--platform', [...words, '--platform', 'linux', '--skupper-home', place.path('none')]],
      ['--host', [...ENDPOINT, ...words, '--host', 'b.example.com', '--workers', '2']],
    ];
    // One after the other: services that start at the same time refuse each other too.
    const refusals: Awaited<ReturnType<typeof refusedIn>>[] = [];
    for (const [, more] of different) refusals.push(await refusedIn(dataDir, ...more));
    expect(refusals.map(({ error }) => error)).toEqual(
      different.map(([flag]) => `another service runs on ${dataDir} with another ${flag}`),
    );
    for (const { hint } of refusals) expect(hint).toContain('stop that service first');
    expect(certificateIn(dataDir).fingerprint256).toBe(before);
    expect(await urlOfTokens(dataDir)).toMatch(/^https:\/\/grants\.example\.com\//);
    expect(readdirSync(`${dataDir}/serving`)).toHaveLength(1);
  });

  it('a second service with the same shared settings runs on another port, with another replay window', async () => {
    const dataDir = newDirectory();
    const words = ['--external-url', 'https://grants.example.com', '--stock-replay-window'];
    const first = await serveIn(dataDir, ...words, '1m');
    const before = certificateIn(dataDir).fingerprint256;
    const second = await serveIn(dataDir, ...words, '5m', '--workers', '2');
    expect(second.port).not.toBe(first.port);
    await first.stop();
    expect(certificateIn(dataDir).fingerprint256).toBe(before);
    expect(await urlOfTokens(dataDir)).toMatch(/^https:\/\/grants\.example\.com\//);
  });

  it('a service with other settings starts as soon as the first one has stopped', async () => {
    const dataDir = newDirectory();
    const first = await serveIn(dataDir, '--host', 'a.example.com');
    await first.stop();
    expect(readdirSync(`${dataDir}/serving`)).toEqual([]);
    await serveIn(dataDir, '--host', 'b.example.com');
    expect(certificateIn(dataDir).subjectAltName).toContain('DNS:b.example.com');
  });

  it('a service with other settings starts after the first one was killed, and publishes them', async () => {
    const dataDir = newDirectory();
    const first = await serveIn(dataDir, '--host', 'a.example.com');
    first.signal('SIGKILL');
    await first.ended;
    const port = await freePort();
    const second = await serveIn(dataDir, '--host', 'b.example.com', '--listen', `127.0.0.1:${port}`);
    expect(await urlOfTokens(dataDir)).toMatch(new RegExp(`^https://b\\.example\\.com:${port}/`));
    expect(readdirSync(`${dataDir}/serving`)).toHaveLength(1);
    expect(second.said.stdout).toContain('Serving');
  });

  it('a suspended service that continues does not overwrite the settings of its replacement', async () => {
    const dataDir = newDirectory();
    const suspended = await serveIn(dataDir, '--host', 'a.example.com');
    suspended.signal('SIGSTOP');
    const second = await serveIn(dataDir, '--host', 'b.example.com');
    suspended.signal('SIGCONT');
    suspended.signal('SIGHUP');
    await until(() => suspended.said.stderr.includes('service_replaced'));
    expect(certificateIn(dataDir).subjectAltName).toContain('DNS:b.example.com');
    expect(await urlOfTokens(dataDir)).toContain(second.url);
  });

  it('a second service with another data directory and the same store is refused', async () => {
    const store = ['--store', `sqlite:${place.path('shared', 'grants.db')}`];
    await serveIn(newDirectory(), ...store);
    const { error } = await refusedIn(newDirectory(), ...ENDPOINT, ...store);
    expect(error).toMatch(/with another --data-dir$/);
  });
});
