import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { decodeJoinLine } from '../../src/codes/join-line.js';
import { expectRefusal, expectSuccess, linkgrant, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { serveHttps } from '../support/servers/hostile-server.js';

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

/** Makes the service issue a token; `token` and `changes` replace what is right in it. */
function issues(token: object = {}, changes: object = {}): void {
  const issued = { grantUid: GRANT, redemptionsAllowed: 1, redemptionsLeft: 1, endpoints: [], id: 'a1b2c3' };
  replies['/api/v1/tokens'] = { ...issued, token: { ...resource, ...token }, ...changes };
}
const issue = (...words: readonly string[]) =>
  linkgrant(['token', 'issue', ...words, '--grant', 'hub', ...server]);

beforeEach(() => {
  const grant = { uid: GRANT, name: 'hub', namespace: 'default', redemptionsLeft: 3 };
  replies = {
    '/api/v1/service': { namespace: 'default', platform: 'standalone' },
    '/api/v1/grants': { items: [grant] },
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
