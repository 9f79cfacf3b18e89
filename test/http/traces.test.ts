import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentsOf, redeemedAnswer, type SecretDocument } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService, DAY, MINUTE } from '../support/service.js';
import { exchange, openWire, parseResponse, type WireResponse } from '../support/wire.js';

const DIRECTORY = join(import.meta.dirname, '../fixtures/traces');
const NAMES = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith('.request'))
  .map((file) => file.replace('.request', ''));
const recorded = (name: string, part: 'request' | 'body') => readFileSync(join(DIRECTORY, `${name}.${part}`));

/** The expected response: the recorded one, a refusal, or that of another trace. A broken request is not replayed. */
type Expectation =
  | { readonly as: 'recorded' }
  | { readonly as: 'refusal'; readonly status: number; readonly text: string }
  | { readonly as: 'redeemed'; readonly like: string }
  | { readonly as: 'broken' };

const REFUSED = 'Redemption of access token refused';
const EXPECTED: Readonly<Record<string, Expectation>> = {
  // Only leading, trailing and doubled slashes are dropped: an inner one is another path.
  'success-slashed-path': { as: 'refusal', status: 404, text: 'No such claim' },
  // The code is checked before the state of the grant.
  'spent-wrong-code': { as: 'refusal', status: 403, text: REFUSED },
  'expired-wrong-code': { as: 'refusal', status: 403, text: REFUSED },
  // Exactly one trailing newline is ignored.
  'code-newline': { as: 'redeemed', like: 'success' },
  'bad-name': { as: 'refusal', status: 400, text: 'Request body not valid' },
  // No use is spent, so the client can retry.
  'site-no-endpoints': { as: 'refusal', status: 503, text: 'No valid endpoints found for site' },
  'site-edge': {
    as: 'refusal',
    status: 503,
    text: 'Edge sites cannot accept incoming links from remote sites',
  },
  'site-no-ca': { as: 'refusal', status: 503, text: 'Could not get issuer for requested certificate' },
  // A grant with an invalid expiration cannot exist.
  'bad-expiration': { as: 'refusal', status: 404, text: 'No such claim' },
  'no-host': { as: 'broken' },
  'plain-http': { as: 'broken' },
  tls12: { as: 'broken' },
};

const UID = (last: number) => `0bde3bc8-a4a2-404a-bfbe-44fdf7bf323${last}`;
const codeIn = (name: string) => recorded(name, 'request').toString('latin1').split('\r\n\r\n')[1] ?? '';

const service = releaseAfterFile(
  await composeTestService({
    site: (real) => ({
      async resolveAccess(grant) {
        if (grant.name === 'no-endpoints')
          return { refused: 'link_access_unavailable', reason: 'as recorded', hint: 'none' };
        if (grant.name === 'edge') return { refused: 'edge_site', reason: 'as recorded', hint: 'none' };
        return real.resolveAccess(grant);
      },
    }),
  }),
);
const now = service.clock.read();
const later = { namespace: 'bench', expirationTime: now + 300 * DAY };
const main = { ...later, uid: UID(1), name: 'bench-grant', redemptionsAllowed: 1_000 };
await service.storedGrant(main, codeIn('success'));
await service.storedGrant({ ...later, uid: UID(2) }, codeIn('success-once'));
await service.storedGrant({ ...later, uid: UID(3), redemptions: 1 }, codeIn('spent'));
await service.storedGrant({ uid: UID(4), expirationTime: now - 1 }, codeIn('expired'));
await service.storedGrant({ ...later, uid: UID(6), name: 'no-endpoints' }, codeIn('site-no-endpoints'));
await service.storedGrant({ ...later, uid: UID(7), name: 'edge' }, codeIn('site-edge'));
await service.storedGrant({ ...later, uid: UID(8), issuer: 'no-such-ca' }, codeIn('site-no-ca'));

/** Returns a Secret or Link without its status, annotations, creation time and data values. */
function bare(document: unknown): unknown {
  const { status: _status, ...rest } = document as { status?: unknown; metadata: Record<string, unknown> };
  const { creationTimestamp: _created, annotations: _annotations, ...metadata } = rest.metadata;
  const { data } = rest as unknown as Partial<SecretDocument>;
  return {
    ...rest,
    metadata,
    ...(data && { data: Object.fromEntries(Object.keys(data).map((key) => [key, 'set'])) }),
  };
}

/** Returns the value as JSON, which retains the order of keys. */
const inOrder = (value: unknown) => JSON.stringify(value, null, 1);

function expectSameRedemption(answer: WireResponse, name: string): void {
  const old = { status: 200, headers: {}, body: recorded(name, 'body').toString() };
  expect(inOrder(documentsOf(answer.body).map(bare))).toBe(inOrder(documentsOf(old.body).map(bare)));
  expect(answer.headers['content-type']).toBe('application/yaml');
  expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)));
  expect(answer.headers).not.toHaveProperty('transfer-encoding');
  const [ours, theirs] = [redeemedAnswer(answer), redeemedAnswer(old)];
  expect(ours.x509.subject).toBe(theirs.x509.subject);
  expect(ours.x509.checkPrivateKey(ours.key ?? expect.fail('no key'))).toBe(true);
}

function expectRecordedAnswer(answer: WireResponse, name: string): void {
  const headers = readFileSync(join(DIRECTORY, `${name}.headers`), 'latin1');
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1]);
  if (status === 200) {
    expectSameRedemption(answer, name);
    return;
  }
  expect(answer.status).toBe(status);
  expect(answer.body).toBe(recorded(name, 'body').toString());
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  if (status === 405) expect(answer.headers.allow).toBe('POST');
}

describe('recorded requests of Skupper clients', () => {
  const replayed = NAMES.filter((name) => EXPECTED[name]?.as !== 'broken' && name !== 'spent-once');

  it('all 29 of them are in the directory of the traces', () => {
    expect(NAMES).toHaveLength(29);
  });

  it.each(replayed)('%s gets the recorded response, or the listed difference', async (name) => {
    // One client's repeats within an hour are limited, and these are all one client.
    service.clock.advance(61 * MINUTE);
    const expected = EXPECTED[name] ?? { as: 'recorded' };
    const answer = await exchange(service, recorded(name, 'request'));
    expect(answer.headers.connection).toBe('close');
    if (expected.as === 'recorded') expectRecordedAnswer(answer, name);
    else if (expected.as === 'redeemed') expectSameRedemption(answer, expected.like);
    else if (expected.as === 'refusal') {
      expect([answer.status, answer.body]).toEqual([expected.status, `${expected.text}\n`]);
    }
    if (answer.status === 503) {
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      for (const last of [6, 7, 8]) expect(await service.used(UID(last))).toBe(0);
    }
  });

  it('spent-once is a replay at first, and refused as recorded after the replay window', async () => {
    const { grant, code } = await service.grant();
    const request = recorded('spent-once', 'request').toString().replace(UID(2), grant.uid);
    const once = request.replace(codeIn('spent-once'), code);
    const first = redeemedAnswer(await exchange(service, once));
    expect(redeemedAnswer(await exchange(service, once)).certificate).toBe(first.certificate);
    service.clock.advance(3 * MINUTE);
    expectRecordedAnswer(await exchange(service, once), 'spent-once');
    expect(await service.used(grant.uid)).toBe(1);
  });

  it('a recorded request without TLS gets 400, or its connection is closed without a response', async () => {
    const socket = connect({ host: '127.0.0.1', port: service.port });
    const pieces: Buffer[] = [];
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(recorded('plain-http', 'request'));
    await closed;
    const bytes = Buffer.concat(pieces);
    if (bytes.toString('latin1').startsWith('HTTP/')) expect(parseResponse(bytes).status).toBe(400);
    expect(bytes.toString('latin1')).not.toContain('CERTIFICATE');
  });

  it('a response leaves in one write', async () => {
    service.clock.advance(61 * MINUTE);
    const wire = await openWire(service);
    wire.send(recorded('success', 'request'));
    expect(parseResponse(await wire.ended).status).toBe(200);
    expect(wire.received).toHaveLength(1);
  });
});
