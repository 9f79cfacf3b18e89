import { describe, expect, test } from 'vitest';
import { slowCertificates } from '../../support/slow-certificates.js';
import { answer, documents, reason } from './sample-answer.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('an invalid response', () => {
  const BOMB = `a: &a ["x","x","x"]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n`;
  const edit = (from: string | RegExp, to: string) => () => {
    const edited = answer.replace(from, to);
    expect(edited).not.toBe(answer);
    return edited;
  };
  test.each<[string, () => string, string]>([
    ['when it is empty', () => '', 'empty'],
    ['when it is no YAML', () => '{', 'not YAML'],
    ['when it is HTML', () => '<!doctype html><p>hello', 'not a mapping'],
    ['when it is a YAML bomb', () => `---\n${BOMB}`, 'anchors'],
    ['with an anchor in its Secret', edit('kind: "Secret"', 'kind: &k "Secret"'), 'anchors'],
    ['with a tag', edit('kind: "Secret"', 'kind: !evil "Secret"'), 'tags'],
    ['with a key twice', edit('kind: "Secret"', 'kind: "Secret"\nkind: "Secret"'), 'twice'],
    ['when it is nested deep', () => '['.repeat(100_000), 'deep'],
    ['when it has many documents', () => 'a: b\n---\n'.repeat(200), 'more than'],
    ['when it has many lines', () => '---\n'.repeat(60_000), 'too many lines'],
    ['when it is large', () => `# ${'x'.repeat(1024 * 1024)}`, 'longer'],
    ['without a Link', () => `---\n${documents(answer)[0]}`, 'no Link'],
    [
      'with the Link first',
      () =>
        documents(answer)
          .reverse()
          .map((text) => `---\n${text}`)
          .join(''),
      'v1 Secret',
    ],
    ['with a second Secret', () => answer + answer, 'other than a skupper.io/v2alpha1 Link'],
    ['with a Secret of another type', edit('kubernetes.io/tls', 'kubernetes.io/basic-auth'), 'type'],
    [
      'with a Secret of type Opaque without its certificate',
      () => answer.replace('kubernetes.io/tls', 'Opaque').replace(/ *tls\.crt: .*\n/, ''),
      'no tls.crt',
    ],
    ['with a path for a name', edit(/name: "my-link"/, 'name: "../x"'), 'RFC 1123'],
    [
      'with a path for a Link name',
      edit(/(kind: "Link"[\s\S]*?)name: "my-link"/, '$1name: "my-link-/../x"'),
      'RFC 1123',
    ],
    ['with a number for a name', edit(/name: "my-link"/, 'name: 7'), 'RFC 1123'],
    [
      'with other tlsCredentials',
      edit('tlsCredentials: "my-link"', 'tlsCredentials: "other"'),
      'tlsCredentials',
    ],
    [
      'when its CA certificates are slow to verify',
      edit(/ca\.crt: .*/, `ca.crt: "${base64(slowCertificates('dsa-10000', 16, 'Site CA').join(''))}"`),
      'a possible issuer has a key that is not RSA, P-256, P-384, P-521 or Ed25519',
    ],
    [
      'when its CA certificates have too many signatures',
      edit(/ca\.crt: .*/, `ca.crt: "${base64(slowCertificates('p521', 16, 'Site CA').join(''))}"`),
      'no valid chain',
    ],
    ['without a certificate', edit(/ *tls\.crt: .*\n/, ''), 'no tls.crt'],
    ['without a CA', edit(/ *ca\.crt: .*\n/, ''), 'no ca.crt'],
    ['with a CA that is not base64', edit(/ca\.crt: .*/, 'ca.crt: "?"'), 'not base64'],
    ['with a CA that is no PEM', edit(/ca\.crt: .*/, 'ca.crt: "aGVsbG8="'), 'not PEM'],
    ['with a port of 0', edit('"55671"', '"0"'), 'port'],
    ['with a port beyond 65535', edit('"55671"', '"65536"'), 'port'],
    ['with a port that is a number', edit('"55671"', '55671'), 'port'],
    [
      'with a role that no router knows',
      edit('"inter-router"', '"normal"'),
      'the role of an endpoint is none of inter-router, edge, inter-network',
    ],
    [
      'with routing keys that are no list',
      edit('  endpoints:', '  routingKeys: "a"\n  endpoints:'),
      'routingKeys',
    ],
    [
      'with a routing key that is no text',
      edit('  endpoints:', '  routingKeys: [1]\n  endpoints:'),
      'routingKeys',
    ],
    [
      'with too many routing keys',
      edit('  endpoints:', `  routingKeys: [${'"a",'.repeat(65)}]\n  endpoints:`),
      'routingKeys',
    ],
    ['with a host that holds a line break', edit('"router.example.com"', '"a\\nb"'), 'host'],
    ['with a host that is a mistyped address', edit('"router.example.com"', '"10.0.0.300"'), 'host'],
    ['with a group that is no name', edit('"skupper-router"', '"../x"'), 'group'],
    [
      'with an empty list of endpoints',
      edit(/endpoints:[\s\S]*?(?= *tlsCredentials)/, 'endpoints: []\n'),
      'no endpoints',
    ],
  ])('is refused %s', (_what, text, why) => {
    const response = text();
    const started = process.cpuUsage();
    expect(reason(response)).toContain(why);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(1_000);
  });
});
