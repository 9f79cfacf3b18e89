import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../src/domain/access-token.js';
import { RECORDED_ENDPOINTS } from '../support/recorded-endpoints.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { CODE, serveHttps, type TestServerOptions } from '../support/servers/hostile-server.js';
import { buildStockClient, READERS, runStockClient } from './stock-client.js';

// These tests check the stock client itself, against recorded answers of Skupper's own grant server.
const recorded = (name: string) =>
  readFileSync(resolve(import.meta.dirname, `../fixtures/traces/${name}.body`), 'utf8');
const success = recorded('success');
const [, secret = '', link = ''] = success.split(/^---\n/m);

interface RecordedAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Starts a server for the current test that sends these answers in turn, and then repeats the last. Returns the file of its
 * token, and the requests that it received so far.
 */
async function serve(answers: readonly RecordedAnswer[], options?: TestServerOptions) {
  const server = await serveHttps((_seen, _request, response) => {
    const { status, body, headers } = answers[server.seen.length - 1] ?? (answers.at(-1) as RecordedAnswer);
    response.writeHead(status, headers).end(body);
  }, options);
  releaseAfterTest(server);
  const token = join(directoryForTest(), 'token.yaml');
  writeFileSync(token, encodeAccessToken(server.token));
  return { token, seen: server.seen };
}

describe('the independent Go client', () => {
  beforeAll(buildStockClient);

  it.each(READERS)('reads a recorded response of the real server with the %s reader', async (reader) => {
    const { token, seen } = await serve([{ status: 200, body: success }]);
    const report = await runStockClient({ token, reader, name: 'my-link', subject: 'a-subject' });
    expect(report).toMatchObject({
      exitCode: 0,
      secretName: 'my-link',
      secretType: 'kubernetes.io/tls',
      dataKeys: ['ca.crt', 'tls.crt', 'tls.key'],
      commonName: '3c1f7e0a-0000-4000-8000-00000000000a',
    });
    const link = { name: 'my-link', tlsCredentials: 'my-link', cost: 0, endpoints: RECORDED_ENDPOINTS };
    expect(report.links).toEqual([link]);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.body).toBe(CODE);
    expect(seen[0]?.headers).toMatchObject({
      name: 'my-link',
      subject: 'a-subject',
      'content-length': String(CODE.length),
    });
  });

  it('sends name and subject only if given', async () => {
    const { token, seen } = await serve([{ status: 200, body: success }]);
    await runStockClient({ token, reader: 'strict' });
    expect(seen[0]?.headers).not.toHaveProperty('name');
    expect(seen[0]?.headers).not.toHaveProperty('subject');
  });

  it('reads the unquoted name n as false, as YAML 1.1 readers do', async () => {
    const { token } = await serve([{ status: 200, body: success.replaceAll('my-link', 'n') }]);
    const report = await runStockClient({ token, reader: 'kubernetes' });
    expect(report.secretName).not.toBe('n');
  });

  it('ignores an invalid second Link with the kubernetes reader, and fails with the strict one', async () => {
    const { token } = await serve([{ status: 200, body: `---\n${secret}---\n${link}---\nkind: [Link\n` }]);
    const silent = await runStockClient({ token, reader: 'kubernetes' });
    expect(silent).toMatchObject({ exitCode: 0, links: [{ name: 'my-link' }] });
    const strict = await runStockClient({ token, reader: 'strict' });
    expect(strict).toMatchObject({ exitCode: 1, error: expect.stringContaining('document 3') });
  });

  it('fails with the strict reader when a Link comes before the Secret', async () => {
    const { token } = await serve([{ status: 200, body: `---\n${link}---\n${secret}` }]);
    const report = await runStockClient({ token, reader: 'strict' });
    expect(report).toMatchObject({ exitCode: 1, error: expect.stringContaining('a Link before the Secret') });
  });

  it('prints the text of a refusal', async () => {
    const { token } = await serve([{ status: 404, body: recorded('spent') }]);
    const report = await runStockClient({ token, reader: 'strict' });
    expect(report).toMatchObject({
      exitCode: 1,
      status: 404,
      error: 'Received HTTP Response 404: No such access granted',
    });
  });

  it('follows no redirect', async () => {
    const { token, seen } = await serve([{ status: 307, body: '', headers: { location: '/elsewhere' } }]);
    const report = await runStockClient({ token, reader: 'strict' });
    expect(report).toMatchObject({ exitCode: 1, status: 307 });
    expect(seen).toHaveLength(1);
  });

  it('repeats its request until it gets a response with status 200', async () => {
    const { token, seen } = await serve([
      { status: 503, body: 'Internal error\n' },
      { status: 503, body: 'Internal error\n' },
      { status: 200, body: success },
    ]);
    const report = await runStockClient({ token, reader: 'strict', retry: 5, interval: '10ms' });
    expect(report).toMatchObject({ exitCode: 0, attempts: 3 });
    expect(seen).toHaveLength(3);
  });

  it('refuses a server that supports only TLS 1.2', async () => {
    const { token, seen } = await serve([{ status: 200, body: success }], { maxVersion: 'TLSv1.2' });
    const report = await runStockClient({ token, reader: 'strict' });
    expect(report).toMatchObject({ exitCode: 1, error: expect.stringContaining('protocol version') });
    expect(seen).toHaveLength(0);
  });

  it('fails when the key in the response does not match the certificate', async () => {
    const { token } = await serve([
      { status: 200, body: success.replace(/tls\.key: .*/, 'tls.key: bm90IGEga2V5') },
    ]);
    const report = await runStockClient({ token, reader: 'strict' });
    expect(report).toMatchObject({ exitCode: 1, error: expect.stringContaining('key and certificate') });
  });
});
