import { createHmac, createPublicKey } from 'node:crypto';
import { makeIssuerKey, signBearer } from '../support/admin-api.js';
import type { HostileGrant, HostileService } from './hostile-service.js';
import { changeJson, changeJsonText, type Json } from './json-changes.js';
import type { Chance } from './round.js';

/** A bearer token and its rights. */
export interface HostileBearer {
  readonly what: string;
  readonly token: string | undefined;
  /** Undefined for a token without rights. */
  readonly role?: 'viewer' | 'operator';
  /** The caller that an Idempotency-Key belongs to. */
  readonly caller?: string;
}

/** A request to the admin API. */
export interface HostileAdminRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bearer: HostileBearer;
}

const HOUR_MS = 3_600_000;
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Bearer tokens of two operators and a viewer, and many invalid ones. */
export async function makeBearers({ key, operator, viewer }: HostileService): Promise<HostileBearer[]> {
  const now = Date.now();
  const expiresAt = now + HOUR_MS;
  const sign = (of: Parameters<typeof signBearer>[2]) => signBearer(key, now, { expiresAt, ...of });
  const stranger = { ...(await makeIssuerKey('first')), kid: key.kid };
  const [head = '', payload = '', signature = ''] = operator.split('.');
  const shared = `${part({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })}.${payload}`;
  // A verifier that is confused about the algorithm would use the public key as the shared secret.
  const publicPem = createPublicKey(key.secret).export({ format: 'pem', type: 'spki' });
  const hmac = createHmac('sha256', publicPem).update(shared).digest('base64url');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const viewerPayload = viewer.split('.')[1] ?? '';
  const wrong: Readonly<Record<string, string | undefined>> = {
    none: undefined,
    'no JWT': 'operator',
    empty: '',
    'without an algorithm': `${part({ alg: 'none' })}.${payload}.`,
    'without a signature': `${head}.${payload}.`,
    'with a shared secret': `${shared}.${hmac}`,
    'of another key': await signBearer(stranger, now, { expiresAt }),
    'of another issuer': await sign({ issuer: 'https://id.example.com/realms/other' }),
    'for another service': await sign({ audience: 'skupper' }),
    expired: await sign({ expiresAt: now - HOUR_MS }),
    'without an end': await sign({ expiresAt: null }),
    'without a subject': await sign({ subject: null }),
    'with a subject that is a number': await sign({
      subject: null,
      claims: { sub: 7, roles: ['linkgrant-operator'] },
    }),
    'with a subject that is an object': await sign({
      subject: null,
      claims: { sub: { a: 1 }, roles: ['linkgrant-operator'] },
    }),
    'without a role': await sign({ claims: { roles: [] } }),
    'with misspelled roles': await sign({
      claims: { roles: ['LINKGRANT-OPERATOR', 'linkgrant-operator2'] },
    }),
    'with another payload': `${head}.${part({ ...claims, sub: 'root' })}.${signature}`,
    "with a viewer's signature": `${head}.${viewerPayload}.${signature}`,
    'not yet valid': await sign({
      claims: { nbf: Math.floor((now + HOUR_MS) / 1000), roles: ['linkgrant-operator'] },
    }),
  };
  return [
    { what: 'of an operator', token: operator, role: 'operator', caller: 'ops@example.com' },
    { what: 'of another operator', token: await sign({ subject: 'two' }), role: 'operator', caller: 'two' },
    { what: 'of a viewer', token: viewer, role: 'viewer', caller: 'ops@example.com' },
    ...Object.entries(wrong).map(([what, token]) => ({ what, token })),
  ];
}

const IDS = [
  '',
  '.',
  '..',
  '%2e%2e',
  '%00',
  '%',
  'x'.repeat(5_000),
  'null',
  '*',
  "'--",
  '00000000-0000-0000-0000-000000000000',
];
const QUERIES = [
  '?',
  '?limit=0',
  '?limit=501',
  '?limit=1e2',
  '?limit=-1',
  '?limit=1&limit=2',
  '?cursor=x',
  '?cursor=',
  '?limit[]=1',
  '?cursor=eyJhIjoxfQ',
  '?namespace=..',
  '?namespace=%ff',
  '?state=none',
  '?name=A',
  '?__proto__=1',
  '?since=0',
  '?grantUid=x',
  '?since=9999-99-99T00:00:00Z',
  `?subject=${'x'.repeat(600)}`,
  '?limit=10',
  '?state=ready',
  '?%',
  '?a=%zz',
];
const TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'text/plain',
  'application/xml',
  '',
  'application/json;;',
  'application/merge-patch+json',
];

/** Picks a valid request of any route; the ids in it are of these grants. */
function pickValidRequest(grants: readonly HostileGrant[], index: number, chance: Chance) {
  const { uid } = chance.pick(grants);
  const grantOrder = {
    name: `made-${index}`,
    redemptionsAllowed: 2,
    expirationWindow: '1h',
    policy: { 'linkgrant/subjects': 'a*' },
  };
  return chance.pick<{ readonly method: string; readonly path: string; readonly json?: Json }>([
    { method: 'GET', path: '/service' },
    { method: 'GET', path: '/grants' },
    { method: 'GET', path: `/grants/${uid}` },
    { method: 'GET', path: '/tokens' },
    { method: 'GET', path: '/redemptions' },
    { method: 'GET', path: '/events' },
    { method: 'POST', path: '/grants', json: grantOrder },
    { method: 'POST', path: '/grants', json: grantOrder },
    { method: 'POST', path: '/tokens', json: { grantUid: uid, subject: 'a-site', redemptionsAllowed: 1 } },
    {
      method: 'PATCH',
      path: `/grants/${uid}`,
      json: { redemptionsAllowed: 3, policy: { 'linkgrant/names': null } },
    },
    { method: 'POST', path: `/tokens/t-${index}/revoke`, json: { grantUid: uid } },
    { method: 'POST', path: `/grants/${uid}/revoke`, json: { cascade: false } },
    { method: 'DELETE', path: `/grants/${uid}` },
  ]);
}

type Draft = { method: string; path: string; body: string; headers: Record<string, string> };
type Change = (draft: Draft, json: Json | undefined, chance: Chance) => void;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'];
const HEADERS = ['content-encoding', 'idempotency-key', 'accept', 'x-http-method-override', 'origin'];
const VALUES = ['gzip', '', 'x'.repeat(300), 'a b', 'DELETE'];

const CHANGES: readonly Change[] = [
  (draft, _json, chance) => {
    draft.method = chance.pick(METHODS);
  },
  (draft, _json, chance) => {
    draft.path = draft.path.replace(/[^/]*$/, () => chance.pick(IDS));
  },
  (draft, _json, chance) => {
    draft.path += chance.pick(QUERIES);
  },
  (draft, _json, chance) => {
    draft.headers['content-type'] = chance.pick(TYPES);
  },
  (draft, _json, chance) => {
    draft.headers[chance.pick(HEADERS)] = chance.pick(VALUES);
  },
  (draft, json, chance) => {
    draft.body =
      json === undefined ? chance.pick(['{}', 'x', '{"a":1}']) : changeJsonText(draft.body, chance);
  },
  (draft, json, chance) => {
    if (json !== undefined) draft.body = JSON.stringify(changeJson(json, chance));
  },
  (draft, json, chance) => {
    if (json !== undefined) draft.body = JSON.stringify(changeJson(changeJson(json, chance), chance));
  },
];

/** A request with one changed part; one in eight is unchanged. Many have an invalid bearer token. */
export function makeAdminRequest(
  index: number,
  grants: readonly HostileGrant[],
  bearers: readonly HostileBearer[],
  chance: Chance,
): HostileAdminRequest {
  const { method, path, json } = pickValidRequest(grants, index, chance);
  const right = bearers.filter(({ role }) => role !== undefined);
  const bearer = chance.pick(chance.below(5) < 3 ? right : bearers);
  const draft: Draft = {
    ...{ method, path: `/api/v1${path}`, body: json === undefined ? '' : JSON.stringify(json) },
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(chance.below(4) === 0 && { 'idempotency-key': `key-${chance.below(40)}` }),
    },
  };
  if (chance.below(8) > 0) chance.pick(CHANGES)(draft, json, chance);
  return { ...draft, bearer };
}
