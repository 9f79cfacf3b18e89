import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../../src/domain/access-token.js';
import {
  expectRefusal,
  expectSuccess,
  linkgrant,
  linkgrantProcess,
  type RunOptions,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { makeIdentity } from '../../support/server-identity.js';
import { serveBytes, serveTcp, tokenFor } from '../../support/servers/hostile-server.js';
import { issuingServerForTest } from '../../support/servers/issuing-server.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';

const place = releaseAfterFile(new Workplace());
let sites = 0;

/** Redeems text on standard input, and expects this exit code, no output and no files. Returns the error and hint. */
async function refused(code: number, text: string, words: readonly string[] = [], options: RunOptions = {}) {
  sites += 1;
  const to = place.path(`links-${sites}`);
  const ended = await linkgrant(
    ['token', 'redeem', '-', '--to', to, '--data-dir', place.path(`site-${sites}`), ...words],
    { input: text, ...options },
  );
  expect(ended.stdout).toBe('');
  expect(existsSync(to) ? readdirSync(to) : []).toEqual([]);
  return expectRefusal(ended, code);
}

describe('token redeem at an overloaded service', () => {
  it('tries again after Retry-After, and redeems the token once', async () => {
    const service = await issuingServerForTest('linkgrant');
    service.overload(2, 1);
    const words = ['token', 'redeem', '-', '--to', '-', '--data-dir', place.path('overloaded')];
    const { stderr } = expectSuccess(await linkgrant(words, { input: encodeAccessToken(service.token) }));
    expect(stderr).toContain(
      'warning: the service is overloaded; trying again in 1 s (attempt 2 of 4)\n' +
        'warning: the service is overloaded; trying again in 1 s (attempt 3 of 4)\n',
    );
    expect(service.issued()).toBe(1);
  });

  it.each([
    ['after four attempts', 0, 4],
    ['at once if it is to wait longer than 30 s', 31, 1],
  ])('ends with exit code 4 %s', async (_when, retryAfter, attempts) => {
    const service = await issuingServerForTest('linkgrant');
    service.overload(100, retryAfter);
    const words = ['token', 'redeem', '-', '--to', '-', '--data-dir', place.path(`overloaded-${attempts}`)];
    const { code, stdout, stderr } = await linkgrant(words, { input: encodeAccessToken(service.token) });
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr).toMatch(
      /^(warning: .*\n)*error: The service is overloaded now\. Retry in .*\nhint: the service is busy; try again\n$/,
    );
    expect(stderr.match(/trying again/g) ?? []).toHaveLength(attempts - 1);
    expect(service.seen).toHaveLength(attempts);
  });
});

describe('token redeem without a connection to the service', () => {
  it('reports a listener that never answers, after --timeout', async () => {
    const { token, port } = releaseAfterTest(await serveTcp(() => undefined));
    const { error, hint } = await refused(4, encodeAccessToken(token), ['--timeout', '1s']);
    expect(error).toContain(`127.0.0.1:${port}`);
    expect(hint).toMatch(/--timeout/);
    expect(error + hint).not.toContain(token.code);
  });

  it('reports a proxy that refuses, from a flag or a variable, and uses none for a host in NO_PROXY', async () => {
    const service = await issuingServerForTest('linkgrant');
    const proxy = releaseAfterTest(await startProxy({ refuse: 407 }));
    const url = `http://127.0.0.1:${proxy.port}`;
    const text = encodeAccessToken(service.token);
    const byFlag = await refused(4, text, ['--proxy', url]);
    const withUser = url.replace('//', '//user:secret@');
    const byVariable = await refused(4, text, [], { env: { HTTPS_PROXY: withUser } });
    for (const { error, hint } of [byFlag, byVariable]) {
      expect(error).toMatch(/proxy .*407/i);
      expect(hint).toMatch(/HTTPS_PROXY, NO_PROXY or --proxy/);
      expect(error + hint).not.toContain('secret');
    }
    expect(proxy.connectRequests).toHaveLength(2);
    expect(proxy.connectRequests[1]?.authorization).toBe(`Basic ${btoa('user:secret')}`);
    expect(service.issued()).toBe(0);
    const redeem = ['token', 'redeem', '-', '--to', '-', '--data-dir', place.path('no-proxy')];
    const env = { HTTPS_PROXY: url, NO_PROXY: '127.0.0.1' };
    expectSuccess(await linkgrant(redeem, { input: text, env }));
    expect(proxy.connectRequests).toHaveLength(2);
  });

  it('reports a broken connection when an https proxy sends each byte in a TLS record of its own', async () => {
    const service = releaseAfterTest(
      await serveBytes((socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(40 * 1024)}`)),
    );
    const identity = await makeIdentity();
    const ca = place.path('proxy-ca.pem');
    writeFileSync(ca, identity.ca);
    const proxy = releaseAfterTest(await startProxy({ identity, singleBytes: true }));
    const env = { HTTPS_PROXY: `https://127.0.0.1:${proxy.port}`, NODE_EXTRA_CA_CERTS: ca };
    const words = ['token', 'inspect', '-', '--check'];
    const ended = await linkgrantProcess(words, { input: encodeAccessToken(service.token), env });
    expect(ended.stderr + ended.stdout).toContain('the connection broke');
    expect(proxy.connectRequests).toHaveLength(1);
  });

  it('refuses --proxy with a password, because a command line is not secret', async () => {
    const service = await issuingServerForTest('linkgrant');
    const words = ['--proxy', 'user:secret@127.0.0.1:9'];
    const { error, hint } = await refused(2, encodeAccessToken(service.token), words);
    expect(error).toBe('--proxy cannot have a user name or a password');
    expect(hint).toContain('HTTPS_PROXY');
    expect(hint).not.toContain('secret@');
    expect(service.seen).toEqual([]);
  });
});

describe('token redeem of an invalid token file', () => {
  it('refuses a URL that is not https with the reason', async () => {
    const { error, hint } = await refused(3, encodeAccessToken(tokenFor(1, 'x', 'http')));
    expect(error).toContain('http, not https');
    expect(hint).toContain('check the file');
  });

  it('reports a missing file, and a directory', async () => {
    const redeem = (file: string) =>
      linkgrant(['token', 'redeem', file, '--to', '-', '--data-dir', place.path('none')]);
    for (const file of [place.path('missing.yaml'), place.directory]) {
      const { error } = expectRefusal(await redeem(file), 1);
      expect(error).toContain('the token file cannot be read');
    }
  });
});

describe('token redeem with invalid flags', () => {
  it.each([
    [['--link-cost', '0'], /--link-cost cannot be "0"/],
    [['--link-cost', 'cheap'], /--link-cost cannot be "cheap"/],
    [['--name', 'Bad_Name'], /--name cannot be "Bad_Name"/],
    [['--subject', ''], /--subject/],
    [['--timeout', '1'], /--timeout cannot be "1"/],
    [['--timeout', '5ms'], /--timeout cannot be "5ms"/],
    [['--connect-to', 'here'], /--connect-to cannot be "here"/],
    [['--to', '/'], /root directory/],
    [['--to', ''], /--to cannot be ""/],
    [['--to', '-', '-o', 'json'], /both write to standard output/],
    [['--code', 'x'], /unknown option '--code'/],
  ])('refuses %j before it sends anything', async (words, reason) => {
    const { ca } = await makeIdentity();
    const { error } = await refused(2, encodeAccessToken(tokenFor(1, ca)), words);
    expect(error).toMatch(reason);
  });

  it('requires --to', async () => {
    const { error } = expectRefusal(await linkgrant(['token', 'redeem', 'token.yaml']), 2);
    expect(error).toContain('no target for the link is given');
  });
});

describe('token redeem into an unwritable directory', () => {
  it('exits with 1 and names the directory before it spends a use', async () => {
    const service = await issuingServerForTest('linkgrant');
    const blocked = place.path('blocked');
    mkdirSync(blocked, { mode: 0o555 });
    const taken = place.path('taken');
    writeFileSync(taken, '');
    const unlisted = place.path('unlisted');
    mkdirSync(unlisted, { mode: 0o300 });
    const text = encodeAccessToken(service.token);
    const redeem = (to: string, dataDir: string) =>
      linkgrant(['token', 'redeem', '-', '--to', to, '--data-dir', dataDir], {
        input: text,
        obeysPermissions: true,
      });
    const ends = [
      ['blocked', await redeem(blocked, place.path('blocked-site'))],
      ['taken', await redeem(taken, place.path('blocked-site'))],
      ['blocked', await redeem('-', blocked)],
      ['unlisted', await redeem(unlisted, place.path('blocked-site'))],
    ] as const;
    for (const [name, ended] of ends) {
      const { error, hint } = expectRefusal(ended, 1);
      expect(error).toContain(name);
      expect(hint).toMatch(/writable/);
    }
    expect(service.issued()).toBe(0);
  });
});
