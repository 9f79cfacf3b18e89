import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issueToken } from '../support/accepting-site.js';
import { adminFlags, askAdmin, makeIssuerKey, signBearer } from '../support/admin-api.js';
import { ENDPOINT, linkgrant, linkgrantProcess, Workplace } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { refuseSecrets } from '../support/no-secret.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { listenLocally } from '../support/servers/local-server.js';
import { attributesOf, Collector, exportTo, type ReceivedSpan } from '../support/servers/trace-collector.js';
import { until } from '../support/until.js';
import { post } from '../support/wire.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

const collector = releaseAfterFile(await Collector.start());
const place = releaseAfterFile(new Workplace());
const dataDir = place.path('traced');
const key = await makeIssuerKey('first');
const bearer = await signBearer(key, Date.now());
const service = await place.serve(
  ['--data-dir', dataDir, ...ENDPOINT, ...adminFlags(key, place.path('jwks.json'))],
  { env: collector.env },
);

const redeem = (token: string, env = {}) =>
  linkgrantProcess(['token', 'redeem', '-', '--to', '-', '--data-dir', place.path('site')], {
    input: token,
    env,
  });

describe('a service and a client that export traces', () => {
  it('records one redemption as a trace of the client, and a trace of the service that refers to it', async () => {
    const { text, code } = await issueToken(dataDir);
    const redeemed = await redeem(text, collector.env);
    expect(redeemed.code).toBe(0);
    expect(redeemed.stderr).not.toContain('warning');
    const client = await collector.span('redeem token');
    expect(client.parentSpanId ?? '').toBe('');
    expect(collector.treeIn(client)).toEqual({ connect: {}, POST: {} });
    const request = await collector.span('POST /:grantUid');
    expect(collector.treeIn(request)).toEqual({
      redeem: {
        'store findGrant': {},
        'resolve access': {},
        'sign certificate': {},
        'store recordRedemption': {},
      },
    });
    expect(request.parentSpanId ?? '').toBe('');
    expect(request.traceId).not.toBe(client.traceId);
    expect(request.links).toMatchObject([{ traceId: client.traceId }]);
    expect(attributesOf(request)).toMatchObject({
      'http.response.status_code': 200,
      'linkgrant.outcome': 'redeemed',
    });
    expect(collector.text).toContain('"stringValue":"linkgrant"');
    refuseSecrets(collector.text);
    expect(collector.text).not.toContain(code);
  });

  it('records a refusal with its error code, and neither the token code nor the headers of the request', async () => {
    const { url, ca } = await issueToken(dataDir);
    const wrong = 'wrongCode1wrongCode1wrong';
    const target = { port: service.port, ca };
    const headers = { name: 'private-name', subject: 'private-subject', 'x-other': 'private-header' };
    await post(target, `${new URL(url).pathname}?private=query`, wrong, { headers });
    await until(() => collector.text.includes('code_wrong'));
    expect(collector.text).not.toContain(wrong);
    expect(collector.text).not.toContain('private');
  });

  it('records a command with --server and its request to the admin API as one trace', async () => {
    const bearerFile = place.path('bearer');
    writeFileSync(bearerFile, bearer, { mode: 0o600 });
    const server = ['--server', `https://127.0.0.1:${service.adminPort}`, '--server-token-file', bearerFile];
    const ca = ['--server-ca', place.path('ca.pem')];
    writeFileSync(place.path('ca.pem'), (await issueToken(dataDir)).ca);
    const { code, stderr } = await linkgrantProcess(['grant', 'create', 'far', ...server, ...ca], {
      env: collector.env,
    });
    expect(code, stderr).toBe(0);
    const isCreation = (span: ReceivedSpan) => attributesOf(span)['http.route'] === '/api/v1/grants';
    await until(() => collector.spans.some(isCreation));
    const answered = collector.spans.find(isCreation) as ReceivedSpan;
    expect(collector.treeIn(answered)).toMatchObject({ 'store createGrant': {} });
    const sent = collector.spans.find(({ spanId }) => spanId === answered.parentSpanId);
    const command = collector.spans.find(({ spanId }) => spanId === sent?.parentSpanId);
    expect([sent, command]).toMatchObject([
      { name: 'POST', traceId: answered.traceId },
      { name: 'admin request', traceId: answered.traceId },
    ]);
    refuseSecrets(collector.text);
  });

  it('ignores the traceparent of a caller of the admin API without a valid bearer token', async () => {
    const { ca } = await issueToken(dataDir);
    const headers = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` };
    const send = (token: string) =>
      askAdmin({ port: service.adminPort, ca }, 'GET', '/api/v1/service', { bearer: token, headers });
    expect((await send('no-bearer')).status).toBe(401);
    expect((await send(bearer)).status).toBe(200);
    const ofCaller = () => collector.spans.filter(({ parentSpanId }) => parentSpanId === 'b7ad6b7169203331');
    await until(() => ofCaller().length > 0);
    expect(ofCaller().map(attributesOf)).toMatchObject([{ 'http.response.status_code': 200 }]);
  });
});

const listen = async (handler: RequestListener) =>
  releaseAfterTest(await listenLocally(createServer(handler))).port;
const HOSTILE: readonly [string, () => Promise<number>][] = [
  ['is down', freePort],
  ['never answers', () => listen(() => {})],
  ['answers 500', () => listen((_request, response) => response.writeHead(500).end())],
  ['answers without an end', () => listen((_request, response) => sendForever(response))],
];

function sendForever(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const send = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', send);
  send();
}

describe.each(HOSTILE)('a collector that %s', (what, findPort) => {
  it('delays neither redemptions nor the end of the client and the service', async () => {
    const dataDir = place.path(what);
    // A process that waited for its exports would exceed the time limit of the test.
    const env = { ...exportTo(`http://127.0.0.1:${await findPort()}`), OTEL_EXPORTER_OTLP_TIMEOUT: '600000' };
    const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT], { env });
    const first = await redeem((await issueToken(dataDir)).text, env);
    expect(first).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('warning: traces were not exported'),
    });
    expect(first.stdout).toMatch(/kind: "?Link"?/);
    // By now the service exports the spans of the first redemption.
    expect((await redeem((await issueToken(dataDir)).text)).code).toBe(0);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(service.said.stderr).toContain('traces_not_exported');
  });
});

describe('a service without a collector', () => {
  /** Returns the OpenTelemetry modules that a service loads to redeem a token, except the API, which the metrics use. */
  async function loadedModules(name: string, env: Readonly<Record<string, string>>): Promise<string[]> {
    const dataDir = place.path(name);
    const coverage = place.path(`${name}-coverage`);
    mkdirSync(coverage);
    const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT], {
      env: { ...env, NODE_V8_COVERAGE: coverage },
    });
    expect((await redeem((await issueToken(dataDir)).text)).code).toBe(0);
    expect((await service.stop()).code).toBe(0);
    const texts = readdirSync(coverage).map((file) => readFileSync(join(coverage, file), 'utf8'));
    const urls = texts.flatMap((text) => JSON.parse(text).result.map(({ url }: { url: string }) => url));
    expect(urls.some((url) => url.endsWith('/dist/main.js'))).toBe(true);
    return urls.filter((url) => /@opentelemetry\/(?!api\/)/.test(url));
  }

  it('does not load the OpenTelemetry SDK, unlike a service with a collector', async () => {
    const { env } = releaseAfterTest(await Collector.start());
    expect(await loadedModules('without', {})).toEqual([]);
    expect(await loadedModules('disabled', { ...env, OTEL_SDK_DISABLED: 'true' })).toEqual([]);
    expect(await loadedModules('with', env)).not.toEqual([]);
  });
});

describe('a command whose variables of OpenTelemetry cannot be used', () => {
  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector.example.com'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318/?tenant=1'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://127.0.0.1:4318/v1/traces '],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ])('warns about %s=%s, and runs without traces', async (name, value) => {
    const env = { ...exportTo('http://127.0.0.1:4318'), [name]: value };
    const { code, stderr } = await linkgrant(['version'], { env });
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^warning: no traces are recorded: ${name} .+\n$`));
  });
});
