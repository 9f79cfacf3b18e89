import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { REFUSAL_CODES, wireRefusal } from '../../src/http/problem.js';
import { parseRequestPath } from '../../src/http/request-path.js';
import type { CreatedGrant } from '../../src/redemption/create-grant.js';
import { HOUR, startTestService, type TestService } from '../support/service.js';
import { postRenewal, redeemLink, renewalOf } from '../support/test-link.js';
import { type PostOptions, post, type WireAnswer } from '../support/wire.js';
import { readProjectFile } from './document.js';
import { type Schema, schemaProblems } from './matches-schema.js';

interface Answer {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: string }>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Answer>>;
}
interface Document {
  readonly paths: Readonly<Record<string, { readonly post: Operation }>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Answer>>;
  };
}

const document = parse(readProjectFile('openapi.yaml')) as Document;
const UID = '22c7dcf1-ef57-454f-98ff-fa5a79792832';

function resolve<T>(reference: string): T {
  return reference
    .split('/')
    .slice(1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document) as T;
}

function answerOf(path: string, status: number): Answer | undefined {
  const answer = document.paths[path]?.post.responses[status];
  return answer?.$ref === undefined ? answer : resolve<Answer>(answer.$ref);
}

/** What in an answer off the wire the document does not allow for this path. */
function problemsOf(path: string, answer: WireAnswer): string[] {
  const described = answerOf(path, answer.status);
  if (!described) return [`status ${answer.status} is not described for ${path}`];
  const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
  const content = described.content[type];
  if (!content) return [`${type} is not described for ${answer.status} of ${path}`];
  const body: unknown = type.endsWith('json') ? JSON.parse(answer.body) : answer.body;
  if (answer.headers['linkgrant-request-id'] === undefined) return ['the answer has no id'];
  const told = ['linkgrant-request-id', 'linkgrant-reason', 'retry-after', 'allow'];
  const headers = told.flatMap((name) => {
    const value = answer.headers[name];
    if (value === undefined) return [];
    const header = described.headers?.[name];
    if (!header) return [`the header ${name} is not described for ${answer.status} of ${path}`];
    const { schema } = resolve<{ schema: Schema }>(header.$ref);
    return schemaProblems(schema.type === 'integer' ? Number(value) : value, schema, resolve, name);
  });
  return [...schemaProblems(body, content.schema, resolve), ...headers];
}

function pathOf(template: string, { grant }: CreatedGrant): string {
  return template
    .replace('{grantUid}', grant.uid)
    .replace('{namespace}', grant.namespace)
    .replace('{grantName}', grant.name);
}

describe('openapi.yaml', () => {
  it('has exactly the codes that the service refuses with', () => {
    expect(document.components.schemas.RefusalCode?.enum).toEqual([...REFUSAL_CODES]);
  });

  const RENEWAL_CODES = /^(renewal_.*|superseded|site_replaced|redemption_revoked)$/;

  it('describes each refusal where it is met, by its text and its code', () => {
    for (const code of REFUSAL_CODES) {
      const { status, text } = wireRefusal(code);
      const path = RENEWAL_CODES.test(code) ? '/-/renew' : '/{grantUid}';
      const description = answerOf(path, status)?.description ?? '';
      expect(description, code).toMatch(new RegExp(`\\b${code}\\b|every policy refusal`));
      if (status !== 503) expect(description).toContain(`\`${text}\``);
    }
  });

  it('has no status that the service does not answer', () => {
    const answered = new Set([200, ...REFUSAL_CODES.map((code) => wireRefusal(code).status)].map(String));
    for (const { post: operation } of Object.values(document.paths)) {
      expect([...answered]).toEqual(expect.arrayContaining(Object.keys(operation.responses)));
    }
  });

  it('has the paths that the service reads, and no others', () => {
    const known = Object.entries(document.paths).map(([path, { post: operation }]) => {
      const asked = path
        .replace('{grantUid}', UID)
        .replace('{namespace}', 'west')
        .replace('{grantName}', 'east');
      const act = parseRequestPath(asked, [], true);
      const by = act && 'target' in act ? ('uid' in act.target ? 'uid' : 'key') : undefined;
      return [operation.operationId, act?.act, by];
    });
    expect(known).toEqual([
      ['redeem', 'redeem', 'uid'],
      ['check', 'check', 'uid'],
      ['redeemByKey', 'redeem', 'key'],
      ['checkByKey', 'check', 'key'],
      ['renew', 'renew', undefined],
    ]);
  });

  it('has examples that can be read: a Secret and its Link', () => {
    const examples = Object.values(document.components.responses).flatMap(({ content }) =>
      Object.values(content).flatMap(({ example }) => example ?? []),
    );
    expect(examples).toHaveLength(1);
    const documents = examples.flatMap((example) => parseAllDocuments(example).map((one) => one.toJS()));
    expect(documents.map(({ kind }) => kind)).toEqual(['Secret', 'Link']);
    expect(documents[1].spec.tlsCredentials).toBe(documents[0].metadata.name);
  });
});

describe('every answer of a small run', () => {
  let service: TestService;
  let bare: TestService;
  beforeAll(async () => {
    service = await startTestService({ allowRedeemByKey: 'true' });
    bare = await startTestService({ endpoint: [] });
  });
  afterAll(async () => {
    await service.close();
    await bare.close();
  });

  const PROBLEM = { accept: 'application/problem+json' };
  const cases: readonly [string, PostOptions, string | undefined][] = [
    ['the right code', {}, undefined],
    ['a wrong code', {}, 'wrong'],
    ['a wrong code, as a problem', { headers: PROBLEM }, 'wrong'],
    ['a GET', { method: 'GET' }, ''],
    ['a name that is none', { headers: { name: 'No Name', ...PROBLEM } }, undefined],
    ['a certificate request that is none', { headers: { csr: 'AAAA' } }, undefined],
    ['a body that is too long', {}, 'x'.repeat(4097)],
  ];
  const paths = Object.keys(document.paths).filter((path) => path !== '/-/renew');

  it.each(paths)('at %s is as described', async (path) => {
    for (const [what, options, code] of cases) {
      const made = await service.grant();
      const answer = await post(service, pathOf(path, made), code ?? made.code, options);
      expect(problemsOf(path, answer), what).toEqual([]);
    }
  });

  it.each(paths)('at %s of a spent, an ended and an unknown grant is as described', async (path) => {
    const spent = await service.storedGrant({ redemptions: 1 });
    const ended = await service.storedGrant({ expirationTime: service.clock.read() - HOUR });
    const unknown = { ...spent, grant: { ...spent.grant, uid: UID, name: 'nobody' } };
    for (const made of [spent, ended, unknown]) {
      for (const headers of [{}, PROBLEM]) {
        const answer = await post(service, pathOf(path, made), made.code, { headers });
        expect(problemsOf(path, answer)).toEqual([]);
      }
    }
  });

  it('at /-/renew is as described', async () => {
    const link = await redeemLink(service);
    const now = service.clock.read() - HOUR;
    const asked = [
      await renewalOf(link, service, { now }),
      await renewalOf(link, service, { csrDer: Buffer.from('no CSR') }),
      await renewalOf({ ...link, id: UID }, service),
      await renewalOf(link, service),
      await renewalOf(link, service),
      'x',
      'x'.repeat(17 * 1024),
    ];
    const statuses: number[] = [];
    for (const request of asked) {
      for (const headers of [PROBLEM, {}]) {
        const answer = await postRenewal(service, request, { headers });
        statuses.push(answer.status);
        expect(problemsOf('/-/renew', answer)).toEqual([]);
      }
    }
    expect([...new Set(statuses)]).toEqual([403, 400, 200, 409, 413]);
    expect(problemsOf('/-/renew', await postRenewal(service, '', { method: 'GET' }))).toEqual([]);
  });

  it('says when to try again while the site accepts no links, as described', async () => {
    const made = await bare.grant();
    const answer = await post(bare, `/${made.grant.uid}`, made.code);
    expect(answer.status).toBe(503);
    expect(answer.headers['linkgrant-reason']).toBe('link_access_unavailable');
    expect(problemsOf('/{grantUid}', answer)).toEqual([]);
    const check = await post(bare, `/${made.grant.uid}/-/check`, made.code);
    expect(check.status).toBe(200);
    expect(problemsOf('/{grantUid}/-/check', check)).toEqual([]);
  });
});
