import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readAnswer } from '../../../src/client/answer-reader.js';
import { RedemptionError } from '../../../src/domain/redemption-error.js';
import { issueServerCertificate } from '../../../src/pki/certificates.js';
import { privateKeyPem, readPrivateKey, spkiOf } from '../../../src/pki/keys.js';
import type { AnswerContext } from '../../../src/redemption/ports/redemption-client.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { RECORDED_ENDPOINTS } from '../../support/recorded-endpoints.js';
import { DAY_MS, makeAuthority } from '../../support/server-identity.js';
import { ENDPOINTS, renderAnswer } from '../../support/servers/issuing-server.js';
import { slowCertificates } from '../../support/slow-certificates.js';

const authority = await makeAuthority('Site CA');
const key = await generatePrivateKey('p256');
const serverKey = await generatePrivateKey('rsa2048');
const ownKeyPem = privateKeyPem(key);
const answer = await renderAnswer(authority, { name: 'my-link', spkiDer: spkiOf(key) });
const delivered = await renderAnswer(authority, {
  name: 'my-link',
  spkiDer: spkiOf(serverKey),
  tlsKey: serverKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
});
const foreignCa = (await makeAuthority('Foreign CA')).bundlePem;

function read(text: string, now = Date.now(), context: Partial<AnswerContext> = {}) {
  const tokenUrl = 'https://grants.example.com:9090/uid';
  return readAnswer(text, { privateKeyPem: ownKeyPem, tokenUrl, now, isStored: false, ...context });
}

function reason(text: string, now?: number): string {
  try {
    return `accepted: ${JSON.stringify(read(text, now))}`;
  } catch (error) {
    expect(error).toBeInstanceOf(RedemptionError);
    expect((error as RedemptionError).code).toBe('answer_invalid');
    return (error as RedemptionError).message;
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** The documents of an answer without their `---` lines. */
const documents = (text: string) => text.split('---\n').slice(1);

describe("a response to a redemption with the client's own key", () => {
  test('becomes a Secret without a key, its Link, and the details for the user', () => {
    const { secret, links, source, redemptionId, certificate } = read(answer);
    expect(source).toBe('linkgrant');
    expect(secret).toMatchObject({
      name: 'my-link',
      annotations: { 'linkgrant.dev/redemption-id': redemptionId },
    });
    expect(secret).not.toHaveProperty('tlsKey');
    expect(links).toEqual([{ name: 'my-link', endpoints: ENDPOINTS, tlsCredentials: 'my-link' }]);
    const x509 = new X509Certificate(secret.tlsCrt);
    expect(x509.checkPrivateKey(readPrivateKey(ownKeyPem))).toBe(true);
    expect(certificate).toEqual({
      subject: 'my-link',
      serial: x509.serialNumber.toLowerCase(),
      notAfter: Date.parse(x509.validTo),
    });
  });

  test('is read without its redemption id if that differs from the one in its certificate', () => {
    const other = answer.replace(
      /redemption-id: .*/,
      'redemption-id: "0bde3bc8-a4a2-404a-bfbe-44fdf7bf3232"',
    );
    const { secret, redemptionId } = read(other);
    expect(redemptionId).toBeUndefined();
    expect(secret.annotations).toEqual({});
  });

  test('is refused when the certificate is for another key, or from another CA than its ca.crt', () => {
    const [, link] = documents(answer);
    const withoutKey = documents(delivered)[0]?.replace(/ *tls\.key: .*\n/, '');
    expect(reason(`---\n${withoutKey}---\n${link}`)).toContain('is not for the key of the request');
    const swapped = answer.replace(/ca\.crt: .*/, `ca.crt: "${base64(foreignCa)}"`);
    expect(reason(swapped)).toContain('does not verify against its ca.crt');
  });

  test('is refused when its certificate is for TLS servers only', async () => {
    const authority = await makeAuthority('Site CA');
    const spkiDer = spkiOf(readPrivateKey(ownKeyPem));
    const wish = { authority, spkiDer, commonName: 'x', hosts: ['x'], lifetimeMs: DAY_MS, now: Date.now() };
    const { certificate: pem } = await issueServerCertificate(wish);
    const [secret, link] = documents(answer);
    const changed = secret
      ?.replace(/ca\.crt: .*/, `ca.crt: "${base64(authority.bundlePem)}"`)
      .replace(/tls\.crt: .*/, `tls.crt: "${base64(pem)}"`);
    expect(reason(`---\n${changed}---\n${link}`)).toContain('is not for TLS clients');
  });

  test('is refused once its certificate has expired, and accepted an hour before its certificate is valid', () => {
    expect(reason(answer, Date.now() + 31 * DAY_MS)).toContain('expired');
    expect(read(answer, Date.now() - DAY_MS / 24).source).toBe('linkgrant');
  });
});

describe('a response with a private key', () => {
  test('becomes a Secret with that key in PKCS#8, also if it was sent in PKCS#1', () => {
    const { secret, source } = read(delivered);
    expect(source).toBe('stock');
    expect(secret.tlsKey).toContain('BEGIN PRIVATE KEY');
    const publicKey = createPublicKey(readPrivateKey(secret.tlsKey ?? ''));
    expect(new X509Certificate(secret.tlsCrt).publicKey.equals(publicKey)).toBe(true);
  });

  test.each(['success', 'success-once', 'success-no-name', 'success-no-subject', 'success-query'])(
    'is read if a Skupper server sent it, as recorded in %s',
    (name) => {
      const text = readFileSync(new URL(`../../fixtures/traces/${name}.body`, import.meta.url), 'utf8');
      const { secret, links, source, redemptionId } = read(text);
      expect(source).toBe('stock');
      expect(redemptionId).toBeUndefined();
      expect(secret.annotations).toEqual({});
      const link = { name: secret.name, tlsCredentials: secret.name, endpoints: RECORDED_ENDPOINTS };
      expect(links).toEqual([link]);
    },
  );

  test('is refused when the key does not match, or is invalid', () => {
    expect(reason(delivered.replace(/tls\.key: .*/, `tls.key: "${base64(ownKeyPem)}"`))).toContain(
      'tls.key does not belong to its certificate',
    );
    expect(reason(delivered.replace(/tls\.key: .*/, `tls.key: "${base64('key')}"`))).toContain(
      'tls.key is not',
    );
  });

  test('is refused if a Skupper server used an invalid name for the Secret', () => {
    const text = readFileSync(new URL('../../fixtures/traces/bad-name.body', import.meta.url), 'utf8');
    expect(reason(text)).toContain('name of its Secret');
  });
});

describe('the name in a response', () => {
  const nameOrError = (text: string, context: Partial<AnswerContext>) => {
    try {
      return read(text, Date.now(), context).secret.name;
    } catch (error) {
      return error;
    }
  };

  test('is accepted if it is the requested name, or if the client requested none', () => {
    expect(nameOrError(answer, {})).toBe('my-link');
    expect(nameOrError(answer, { name: 'my-link' })).toBe('my-link');
    expect(nameOrError(delivered, { name: 'my-link' })).toBe('my-link');
  });

  test('is in the error if it was not requested and the response was stored', () => {
    for (const text of [answer, delivered]) {
      const error = nameOrError(text, { name: 'other', isStored: true });
      expect(error).toMatchObject({ code: 'other_name' });
      expect((error as Error).message).toContain('under the name "my-link"');
    }
  });

  test('is not in the error if it was not requested and linkgrant has just sent the response', () => {
    const error = nameOrError(answer, { name: 'other' });
    expect(error).toMatchObject({ code: 'other_name' });
    expect((error as Error).message).toContain('under another name');
    expect((error as Error).message).not.toContain('my-link');
  });

  test('makes the response of a Skupper server invalid if it was not requested', () => {
    expect(nameOrError(delivered, { name: 'other' })).toMatchObject({
      code: 'answer_invalid',
      message: expect.stringContaining('another name than requested'),
    });
  });
});

describe('a response', () => {
  test('is read without its unknown fields', () => {
    const extended = answer
      .replace('data:\n', 'data:\n  evil.sh: "cm0gLXJmIC8="\n')
      .replace('annotations:\n', 'annotations:\n    kubectl.kubernetes.io/x: "y"\n')
      .replace('kind: "Link"\n', 'kind: "Link"\nstatus: {"conditions": []}\n')
      .replace('spec:\n', 'spec:\n  other: {"a": "b"}\n');
    expect(extended.length).toBeGreaterThan(answer.length + 100);
    expect(read(extended)).toEqual(read(answer));
  });

  test('is read without the text around its certificates', () => {
    const { caCrt } = read(answer).secret;
    const noisy = answer.replace(/ca\.crt: .*/, `ca.crt: "${base64(`# evil\n${caCrt}trailing\n`)}"`);
    expect(read(noisy).secret.caCrt).toBe(caCrt);
  });

  test('retains three linkgrant annotations, each only in its required form', () => {
    const annotate = (lines: string) =>
      read(answer.replace('annotations:\n', `annotations:\n${lines}`)).secret.annotations;
    const own = read(answer).secret.annotations;
    const url = (value: string) => `    linkgrant.dev/renewal-url: "${value}"\n`;
    expect(annotate(url('https://grants.example.com:9090/-/renew'))).toEqual({
      ...own,
      'linkgrant.dev/renewal-url': 'https://grants.example.com:9090/-/renew',
    });
    expect(annotate(url('https://evil.example.com:9090/-/renew'))).toEqual(own);
    expect(annotate(url('http://grants.example.com:9090/-/renew'))).toEqual(own);
    expect(annotate(url(`https://grants.example.com:9090/${'x'.repeat(4000)}`))).toEqual(own);
    expect(annotate('    linkgrant.dev/server-ca: "no PEM"\n')).toEqual(own);
    const ca = JSON.stringify(`noise\n${foreignCa}`);
    expect(annotate(`    linkgrant.dev/server-ca: ${ca}\n`)).toEqual({
      ...own,
      'linkgrant.dev/server-ca': foreignCa,
    });
    const hostileId = answer.replace(/redemption-id: .*/, 'redemption-id: "../../x"');
    expect(read(hostileId).secret.annotations).toEqual({});
  });

  test('can have Links with the name of the Secret, or that name with a number up to the number of Links', () => {
    const [secret, link = ''] = documents(answer);
    const responseWith = (...suffixes: readonly string[]) =>
      `---\n${secret}${suffixes.map((suffix) => `---\n${link.replace('name: "my-link"', `name: "my-link${suffix}"`)}`).join('')}`;
    for (const suffixes of [['-1'], ['-1', '-2'], ['', '-2'], ['-2', '-1', '-3']]) {
      expect(read(responseWith(...suffixes)).links.map(({ name }) => name)).toEqual(
        suffixes.map((suffix) => `my-link${suffix}`),
      );
    }
    for (const suffixes of [['-x'], ['-2'], ['-0'], ['-01'], ['-1', '-3'], ['-1-1'], ['-1.5'], ['-1e0']]) {
      expect(reason(responseWith(...suffixes))).toContain('not named after');
    }
    expect(reason(responseWith('-1', '-1'))).toContain('two Links have one name');
    expect(reason(`---\n${secret}---\n${link.replace('name: "my-link"', 'name: "other"')}`)).toContain(
      'not named after',
    );
    // One Link of several may have been removed since.
    expect(read(responseWith('-2'), Date.now(), { isStored: true }).links).toHaveLength(1);
    expect(() => read(responseWith('-65'), Date.now(), { isStored: true })).toThrow('not named after');
  });
});

describe('a Link of a response', () => {
  const LINK = /(kind: "Link"\nmetadata:\n)/;
  const withSpec = (lines: string) => answer.replace('spec:\n', `spec:\n${lines}`);
  const withMetadata = (lines: string) => answer.replace(LINK, `$1${lines}`);
  const texts = (count: number) => Array.from({ length: count }, (_, at) => `n${at}: "v"`).join(', ');

  test('retains its cost, settings, labels and annotations, known or not', () => {
    const text = withSpec(
      '  cost: 7\n  settings: {"proxy-configuration": "corporate", "y": "on\\n"}\n',
    ).replace(
      LINK,
      '$1  labels: {"example.com/team": "net_1", "on": ""}\n  annotations: {"Example.com/Note": "Zürich: ok"}\n',
    );
    const [link] = read(text).links;
    expect(link).toEqual({
      name: 'my-link',
      endpoints: ENDPOINTS,
      tlsCredentials: 'my-link',
      cost: 7,
      settings: { 'proxy-configuration': 'corporate', y: 'on\n' },
      labels: { 'example.com/team': 'net_1', on: '' },
      annotations: { 'Example.com/Note': 'Zürich: ok' },
    });
  });

  test('has no cost, settings, labels or annotations if the server sent null, 0 or none', () => {
    const empty = withSpec('  cost: 0\n  settings: null\n').replace(
      LINK,
      '$1  labels: {}\n  annotations: null\n',
    );
    expect(read(empty)).toEqual(read(answer));
  });

  test('is read without the labels and annotations that only linkgrant sets', () => {
    const own =
      '  labels: {"app.kubernetes.io/managed-by": "them", "linkgrant.dev/token": "x"}\n  annotations: {"linkgrant.dev/redemption-id": "x"}\n';
    expect(read(withMetadata(own))).toEqual(read(answer));
  });

  test('can have 64 entries and 4 KiB of text of each kind', () => {
    const full = withSpec(`  settings: {${texts(64)}}\n`);
    expect(Object.keys(read(full).links[0]?.settings ?? {})).toHaveLength(64);
    expect(
      read(withMetadata(`  annotations: {a: "${'x'.repeat(4095)}"}\n`)).links[0]?.annotations?.a,
    ).toHaveLength(4095);
  });

  test.each<[string, () => string, string]>([
    ['65 settings', () => withSpec(`  settings: {${texts(65)}}\n`), 'settings'],
    [
      'more than 4 KiB of annotations',
      () => withMetadata(`  annotations: {a: "${'x'.repeat(4096)}"}\n`),
      'annotations',
    ],
    ['more than 4 KiB in UTF-8', () => withSpec(`  settings: {a: "${'ü'.repeat(2048)}"}\n`), 'settings'],
    ['settings that are a list', () => withSpec('  settings: ["a"]\n'), 'settings'],
    ['a setting that is a number', () => withSpec('  settings: {a: 1}\n'), 'settings'],
    ['half a character in a setting', () => withSpec('  settings: {a: "\\uD800"}\n'), 'settings'],
    ['a label name with two slashes', () => withMetadata('  labels: {"a/b/c": "d"}\n'), 'labels'],
    ['a label value with a space', () => withMetadata('  labels: {a: "b c"}\n'), 'labels'],
    ['an annotation without a name', () => withMetadata('  annotations: {"": "d"}\n'), 'annotations'],
    ['a negative cost', () => withSpec('  cost: -1\n'), 'cost'],
    ['a cost that is no whole number', () => withSpec('  cost: 1.5\n'), 'cost'],
    ['a cost that is text', () => withSpec('  cost: "7"\n'), 'cost'],
    ['a cost beyond 32 bits', () => withSpec('  cost: 2147483648\n'), 'cost'],
  ])('is refused with %s', (_, text, field) => {
    expect(text()).not.toBe(answer);
    expect(reason(text())).toContain(`the ${field} of a Link`);
  });
});

describe('a response with a Secret of type Opaque or without a type', () => {
  test.each([
    ['Opaque', 'type: "Opaque"'],
    ['no type', ''],
  ])('is read like one of type kubernetes.io/tls: %s', (_what, type) => {
    const text = answer.replace('type: "kubernetes.io/tls"', type);
    expect(text).not.toBe(answer);
    expect(read(text).secret).toEqual(read(answer).secret);
  });
});

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
