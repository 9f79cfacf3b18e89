import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import { RedemptionError, type RedemptionErrorCode } from '../../src/domain/redemption-error.js';
import { csrHeader, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService, HOUR } from '../support/service.js';
import { withStore } from '../support/stores/changed-store.js';
import { type PostOptions, post, type WireResponse } from '../support/wire.js';

const REFUSED = 'Redemption of access token refused';
const NO_CLAIM = 'No such claim';
const NOT_VALID = 'Request body not valid';
const INTERNAL = 'Internal error';
const STORE_DOWN = 'store-down';

/** One request that is to be refused. */
interface Provocation extends PostOptions {
  readonly path: string;
  readonly code: string;
  /** The grant that must not lose a use. */
  readonly grant?: AccessGrant;
}

const service = releaseAfterFile(
  await composeTestService({
    allowRedeemByKey: true,
    store: (real) =>
      withStore(real, {
        async findGrantByName(namespace, name) {
          if (name === STORE_DOWN) throw new RedemptionError('store_unavailable', 'no disk');
          return real.findGrantByName(namespace, name);
        },
      }),
    site: (real) => ({
      async resolveAccess(grant) {
        if (grant.name.startsWith('edge'))
          return { refused: 'edge_site', reason: 'it is an edge site', hint: 'none' };
        if (grant.name.startsWith('untrusted'))
          return { refused: 'issuer_untrusted', retryAfter: 7, reason: 'it is untrusted', hint: 'none' };
        if (grant.name.startsWith('broken')) throw new TypeError('cannot read properties of a router');
        return real.resolveAccess(grant);
      },
    }),
    // As when the queue for RSA keys is full.
    keys: { type: 'rsa2048', generate: async () => undefined },
  }),
);

async function withGrant(
  changes: Partial<AccessGrant>,
  options: PostOptions & { readonly code?: string } = {},
): Promise<Provocation> {
  const { grant, code } = await service.storedGrant(changes);
  return { path: `/${grant.uid}`, code, grant, headers: csrHeader(), ...options };
}

const policy = (rules: AccessGrant['policy'], headers: Readonly<Record<string, string>> = csrHeader()) =>
  withGrant({ policy: rules }, { headers });

function named(prefix: string): Promise<Provocation> {
  return withGrant({ name: `${prefix}-${randomUUID()}` });
}

function rsa1024Csr() {
  return csrHeader(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
}

/** A refusal that one request cannot provoke, and the file beside this one whose tests do. */
type TestedElsewhere = { readonly testedIn: string };

/** Status, text, whether the client is proven and so gets the reason, and a request that provokes the refusal. */
type Row = readonly [number, string, 'proven' | 'unproven', () => Promise<Provocation>];

const past = () => service.clock.read() - 1;
const CODES: Readonly<Record<RedemptionErrorCode, Row | TestedElsewhere>> = {
  code_expired: { testedIn: 'signed-codes.test.ts' },
  code_revoked: { testedIn: 'signed-codes.test.ts' },
  code_exhausted: { testedIn: 'signed-codes.test.ts' },
  key_mismatch: { testedIn: 'bound-codes.test.ts' },
  provider_unavailable: { testedIn: 'identity-providers.test.ts' },
  renewal_invalid: { testedIn: 'renewal-strangers.test.ts' },
  renewal_refused: { testedIn: 'renewal-strangers.test.ts' },
  renewal_stale: { testedIn: 'renewal.test.ts' },
  renewal_expired: { testedIn: 'renewal.test.ts' },
  superseded: { testedIn: 'renewal.test.ts' },
  site_replaced: { testedIn: 'renewal-faults.test.ts' },
  redemption_revoked: { testedIn: 'renewal.test.ts' },
  redemption_replaced: { testedIn: 'replacements.test.ts' },
  body_invalid: { testedIn: 'limits.test.ts' },
  body_timeout: { testedIn: 'limits.test.ts' },
  repeated_redemption: { testedIn: 'stock-replay.test.ts' },
  code_wrong: [403, REFUSED, 'unproven', () => withGrant({}, { code: 'not-the-code' })],
  grant_unknown: [
    404,
    NO_CLAIM,
    'unproven',
    async () => ({ path: '/0bde3bc8-a4a2-404a-bfbe-44fdf7bf3231', code: 'x' }),
  ],
  grant_expired: [404, NO_CLAIM, 'proven', () => withGrant({ expirationTime: past() })],
  grant_revoked: [404, NO_CLAIM, 'proven', () => withGrant({ revokedAt: past() })],
  grant_exhausted: [404, 'No such access granted', 'proven', () => withGrant({ redemptions: 1 })],
  policy_subject: [403, REFUSED, 'proven', () => policy({ subjects: ['other-*'] })],
  policy_name: [403, REFUSED, 'proven', () => policy({ names: [] })],
  policy_source: [403, REFUSED, 'proven', () => policy({ sourceCidrs: ['10.0.0.0/8'] })],
  policy_key: [403, REFUSED, 'proven', () => policy({ keyTypes: ['p384'] })],
  policy_csr_required: [403, REFUSED, 'proven', () => policy({ csrRequired: true }, {})],
  policy_identity_required: [403, REFUSED, 'proven', () => policy({ identityRequired: true })],
  csr_invalid: [400, NOT_VALID, 'proven', () => withGrant({}, { headers: { csr: 'AAAA' } })],
  key_weak: [400, NOT_VALID, 'proven', () => withGrant({}, { headers: rsa1024Csr() })],
  name_invalid: [400, NOT_VALID, 'unproven', () => withGrant({}, { headers: { name: 'No_Name' } })],
  subject_invalid: [
    400,
    NOT_VALID,
    'unproven',
    () => withGrant({}, { headers: { subject: 'x'.repeat(254) } }),
  ],
  body_too_large: [413, NOT_VALID, 'unproven', () => withGrant({}, { code: 'c'.repeat(4_097) })],
  method_not_allowed: [405, 'Only POST is supported', 'unproven', () => withGrant({}, { method: 'PATCH' })],
  link_access_unavailable: [
    503,
    'No valid endpoints found for site',
    'proven',
    () => withGrant({ expirationTime: null, readyAt: null }),
  ],
  edge_site: [
    503,
    'Edge sites cannot accept incoming links from remote sites',
    'proven',
    () => named('edge'),
  ],
  issuer_unavailable: [
    503,
    'Could not get issuer for requested certificate',
    'proven',
    () => withGrant({ issuer: 'no-such-ca' }),
  ],
  issuer_untrusted: [
    503,
    'Could not get issuer for requested certificate',
    'proven',
    () => named('untrusted'),
  ],
  not_yet_valid: [503, INTERNAL, 'proven', () => policy({ notBefore: service.clock.read() + HOUR })],
  overloaded: [503, INTERNAL, 'proven', () => withGrant({}, { headers: {} })],
  store_unavailable: [503, INTERNAL, 'unproven', async () => ({ path: `/default/${STORE_DOWN}`, code: 'x' })],
  internal: [500, INTERNAL, 'unproven', () => named('broken')],
};

const ROWS = Object.entries(CODES).flatMap(([code, entry]) =>
  'testedIn' in entry ? [] : [[code, entry] as const],
);

function provoke({ path, code, method, headers = {} }: Provocation, accept?: string): Promise<WireResponse> {
  return post(service, path, code, {
    ...(method !== undefined && { method }),
    headers: { ...headers, ...(accept !== undefined && { accept }) },
  });
}

describe('a refusal', () => {
  it.each(ROWS)('the refusal %s has its status and text, and spends no use', async (code, row) => {
    const [status, text, proof, make] = row;
    const provocation = await make();
    const before = provocation.grant && (await service.used(provocation.grant.uid));
    const answer = await provoke(provocation);
    expect([answer.status, answer.body]).toEqual([status, `${text}\n`]);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      connection: 'close',
    });
    expect(answer.headers['linkgrant-reason']).toBe(proof === 'proven' ? code : undefined);
    expect(answer.headers.allow).toBe(status === 405 ? 'POST' : undefined);
    if (status === 503) expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    else expect(answer.headers).not.toHaveProperty('retry-after');
    expect(provocation.grant && (await service.used(provocation.grant.uid))).toBe(before);
    expect(service.logged()).toContainEqual(expect.objectContaining({ event: 'refused', code }));
  });

  it.each(ROWS)('the refusal %s is a problem document for a client that accepts one', async (code, row) => {
    const [status, title, proof, make] = row;
    const answer = await provoke(await make(), 'application/yaml, application/problem+json');
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toEqual({ type: 'about:blank', title, status, code });
    expect(answer.headers['linkgrant-reason']).toBe(proof === 'proven' ? code : undefined);
  });

  it('contains a waiting time of 30 seconds for a grant that is not ready', async () => {
    const answer = await provoke(await withGrant({ expirationTime: null, readyAt: null }));
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '30']);
  });

  it('contains a waiting time of 30 seconds for a site that accepts no links', async () => {
    const answer = await provoke(await named('edge'));
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '30']);
  });

  it('contains the waiting time that the site requires', async () => {
    expect((await provoke(await named('untrusted'))).headers['retry-after']).toBe('7');
  });

  it('for a weak key has its reason in the log', async () => {
    const { grant, ...provocation } = await withGrant({}, { headers: rsa1024Csr() });
    await provoke(provocation);
    const reason = 'an RSA key of 1024 bits; 2048 to 4096 are accepted';
    expect(service.logged()).toContainEqual(
      expect.objectContaining({ event: 'refused', grant: grant?.uid, code: 'key_weak', reason }),
    );
  });

  it('a refusal after an unexpected failure has no cause in the response, and the whole cause in the log', async () => {
    const answer = await provoke(await named('broken'));
    expect(JSON.stringify(answer)).not.toContain('router');
    expect(service.logText()).toContain('cannot read properties of a router');
  });
});

describe('the order of checks', () => {
  it.each([
    ['expired', () => ({ expirationTime: past() })],
    ['exhausted', () => ({ redemptions: 1 })],
    ['revoked', () => ({ revokedAt: past() })],
    ['not yet valid', () => ({ policy: { notBefore: service.clock.read() + HOUR } })],
    ['not ready', () => ({ expirationTime: null, readyAt: null })],
    ['closed to every client', () => ({ policy: { subjects: [], sourceCidrs: ['10.0.0.0/8'] } })],
  ])('a wrong code gets 403 for a grant that is %s', async (_state, changes) => {
    const ready = await provoke(await withGrant({}, { code: 'not-the-code' }));
    const other = await provoke(await withGrant(changes(), { code: 'not-the-code' }));
    expect([other.status, other.body]).toEqual([403, `${REFUSED}\n`]);
    const { date: _date, 'linkgrant-request-id': _id, ...headers } = other.headers;
    expect(ready.headers).toMatchObject(headers);
    expect(Object.keys(other.headers)).toEqual(Object.keys(ready.headers));
  });

  it('a wrong code gets 403 before its CSR is read', async () => {
    const { grant } = await service.storedGrant();
    const answer = await post(service, `/${grant.uid}`, 'not-the-code', { headers: { csr: 'AAAA' } });
    expect(answer.status).toBe(403);
  });

  it.each(['', '\n', '\0', 'é', 'undefined'])('%j is not the code', async (body) => {
    const { grant } = await service.storedGrant();
    expect((await post(service, `/${grant.uid}`, body, { headers: csrHeader() })).status).toBe(403);
  });

  it('every byte of the code counts, except one newline at the end', async () => {
    const { grant, code } = await service.storedGrant({ redemptionsAllowed: 9 });
    const statusOf = async (body: string) =>
      (await post(service, `/${grant.uid}`, body, { headers: csrHeader() })).status;
    const near = [` ${code}`, `${code} `, `${code}\n\n`, `${code}\r\n`, code.slice(0, -1), `\n${code}`];
    for (const body of [...near, code.toUpperCase() === code ? code.toLowerCase() : code.toUpperCase()]) {
      expect(await statusOf(body)).toBe(403);
    }
    expect(await statusOf(`${code}\n`)).toBe(200);
    expect(await statusOf(code)).toBe(200);
    expect(await service.used(grant.uid)).toBe(2);
  });
});

describe('redemption by namespace and name', () => {
  it('redeems the grant', async () => {
    const { grant, code } = await service.storedGrant({ namespace: 'west' });
    const answer = await post(service, `/west/${grant.name}`, code, { headers: csrHeader(newKey()) });
    expect(redeemedAnswer(answer).links[0]?.metadata.name).toBe(grant.name);
    expect(await service.used(grant.uid)).toBe(1);
  });

  it('returns the same response for an unknown grant and for a wrong code', async () => {
    const { grant } = await service.storedGrant();
    const unknown = await post(service, '/default/no-such-grant', 'not-the-code');
    const wrong = await post(service, `/default/${grant.name}`, 'not-the-code');
    const { date: _date, 'linkgrant-request-id': _id, ...headers } = unknown.headers;
    expect(wrong).toMatchObject({ status: 404, body: `${NO_CLAIM}\n`, headers });
    expect(Object.keys(wrong.headers)).toEqual(Object.keys(unknown.headers));
    expect(unknown).toMatchObject({ status: 404, body: `${NO_CLAIM}\n` });
  });

  it('reports an expired grant only to a client with its code', async () => {
    const { grant, code } = await service.storedGrant({ expirationTime: past() });
    const wrong = await post(service, `/default/${grant.name}`, 'not-the-code');
    const right = await post(service, `/default/${grant.name}`, code);
    expect(wrong.headers).not.toHaveProperty('linkgrant-reason');
    expect(right.headers['linkgrant-reason']).toBe('grant_expired');
  });
});
