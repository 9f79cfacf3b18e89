import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { REFUSAL_CODES, wireRefusal } from '../../src/http/problem.js';
import { createRedemptionApp } from '../../src/http/redemption-app.js';
import type { RedemptionAppDependencies } from '../../src/http/redemption-dependencies.js';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { postRenewal, redeemLink, renewalOf } from '../support/links/test-link.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { HOUR, startTestService } from '../support/service.js';
import { type PostOptions, post } from '../support/wire.js';
import { answerOf, type Operation, openApi, problemsOf } from './openapi-document.js';

const UID = '22c7dcf1-ef57-454f-98ff-fa5a79792832';

/** The paths of the redemption service, all of them for POST only. */
const paths = Object.keys(openApi.paths).filter((path) => !/^\/(api|\.well-known)\//.test(path));

function operationOf(path: string): Operation {
  const operation = openApi.paths[path]?.post;
  if (!operation) throw new Error(`${path} has no POST`);
  return operation;
}

function pathOf(template: string, { grant }: CreatedGrant): string {
  return template
    .replace('{grantUid}', grant.uid)
    .replace('{namespace}', grant.namespace)
    .replace('{grantName}', grant.name);
}

const service = releaseAfterFile(await startTestService({ allowRedeemByKey: 'true' }));

describe('openapi.yaml', () => {
  it('lists exactly the refusal codes of the service', () => {
    expect(openApi.components.schemas.RefusalCode?.enum).toEqual([...REFUSAL_CODES]);
  });

  const RENEWAL_CODES = /^(renewal_.*|superseded|site_replaced|redemption_revoked|redemption_replaced)$/;

  it('describes each refusal at its path, with text and code', () => {
    for (const code of REFUSAL_CODES) {
      const isRenewal = RENEWAL_CODES.test(code);
      const { status, text } = wireRefusal(code, isRenewal ? 'renewal' : 'redemption');
      const path = isRenewal ? '/-/renew' : '/{grantUid}';
      const description = answerOf(path, status)?.description ?? '';
      const named = code.startsWith('policy_') ? 'every policy refusal' : code;
      expect(description, code).toMatch(new RegExp(`\\b${named}\\b`));
      if (status !== 503) expect(description).toContain(`\`${text}\``);
    }
  });

  it('describes redemption_revoked also at the redemption path, with status 404', () => {
    const { status, text } = wireRefusal('redemption_revoked', 'redemption');
    expect([status, text]).toEqual([404, 'No such claim']);
    expect(answerOf('/{grantUid}', status)?.description).toMatch(/\bredemption_revoked\b/);
  });

  it('describes only statuses that the service can send', () => {
    const answered = new Set(
      [
        200,
        ...REFUSAL_CODES.flatMap((code) => [
          wireRefusal(code, 'redemption').status,
          wireRefusal(code, 'renewal').status,
        ]),
      ].map(String),
    );
    for (const path of paths) {
      expect([...answered]).toEqual(expect.arrayContaining(Object.keys(operationOf(path).responses)));
    }
  });

  it('has exactly the paths that the public app has routes for', () => {
    const app = createRedemptionApp({ pathPrefix: '/', allowRedeemByKey: true } as RedemptionAppDependencies);
    const routes = app.router.stack.flatMap(({ route }) => (route ? [route.path] : []));
    expect(routes.map((path) => path.replaceAll(/:(\w+)/g, '{$1}')).sort()).toEqual([...paths].sort());
  });

  it('has an example with a Secret and its Link', () => {
    const examples = Object.values(openApi.components.responses).flatMap(({ content = {} }) =>
      Object.entries(content).flatMap(([type, { example }]) =>
        type !== 'text/event-stream' && typeof example === 'string' ? [example] : [],
      ),
    );
    expect(examples).toHaveLength(1);
    const documents = examples.flatMap((example) => parseAllDocuments(example).map((one) => one.toJS()));
    expect(documents.map(({ kind }) => kind)).toEqual(['Secret', 'Link']);
    expect(documents[1].spec.tlsCredentials).toBe(documents[0].metadata.name);
  });
});

describe('every response', () => {
  const PROBLEM = { accept: 'application/problem+json' };
  const cases: readonly [string, PostOptions, string | undefined][] = [
    ['the right code', {}, undefined],
    ['a wrong code', {}, 'wrong'],
    ['a wrong code, as a problem', { headers: PROBLEM }, 'wrong'],
    ['a GET', { method: 'GET' }, ''],
    ['an invalid name', { headers: { name: 'No Name', ...PROBLEM } }, undefined],
    ['an invalid certificate request', { headers: { csr: 'AAAA' } }, undefined],
    ['a body that is too long', {}, 'x'.repeat(4097)],
  ];
  const redemptionPaths = paths.filter((path) => path !== '/-/renew');

  it.each(redemptionPaths)('a response at %s matches openapi.yaml', async (path) => {
    for (const [what, options, code] of cases) {
      const made = await service.grant();
      const answer = await post(service, pathOf(path, made), code ?? made.code, options);
      expect(problemsOf(path, answer), what).toEqual([]);
    }
  });

  it.each(redemptionPaths)(
    'a response at %s for an exhausted, an expired and an unknown grant matches openapi.yaml',
    async (path) => {
      const spent = await service.storedGrant({ redemptions: 1 });
      const ended = await service.storedGrant({ expirationTime: service.clock.read() - HOUR });
      const unknown = { ...spent, grant: { ...spent.grant, uid: UID, name: 'nobody' } };
      for (const made of [spent, ended, unknown]) {
        for (const headers of [{}, PROBLEM]) {
          const answer = await post(service, pathOf(path, made), made.code, { headers });
          expect(problemsOf(path, answer)).toEqual([]);
        }
      }
    },
  );

  it('a response at /-/renew matches openapi.yaml', async () => {
    const link = await redeemLink(service);
    const now = service.clock.read() - HOUR;
    const requests = [
      await renewalOf(link, service, { now }),
      await renewalOf(link, service, { csrDer: Buffer.from('no CSR') }),
      await renewalOf({ ...link, id: UID }, service),
      await renewalOf(link, service),
      await renewalOf(link, service),
      'x',
      'x'.repeat(17 * 1024),
    ];
    const statuses: number[] = [];
    for (const request of requests) {
      for (const headers of [PROBLEM, {}]) {
        const answer = await postRenewal(service, request, { headers });
        statuses.push(answer.status);
        expect(problemsOf('/-/renew', answer)).toEqual([]);
      }
    }
    expect([...new Set(statuses)]).toEqual([403, 400, 200, 409, 413]);
    expect(problemsOf('/-/renew', await postRenewal(service, '', { method: 'GET' }))).toEqual([]);
  });

  it('a response while the site accepts no links matches openapi.yaml', async () => {
    const bare = releaseAfterTest(await startTestService({ endpoint: [] }));
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
