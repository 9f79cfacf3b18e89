import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { issueServerCertificate } from '../../../src/pki/certificates.js';
import { readPrivateKey, spkiOf } from '../../../src/pki/keys.js';
import type { AnswerContext } from '../../../src/redemption/ports/redemption-client.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { RECORDED_ENDPOINTS } from '../../support/recorded-endpoints.js';
import { DAY_MS, makeAuthority } from '../../support/server-identity.js';
import { ENDPOINTS, renderAnswer } from '../../support/servers/issuing-server.js';
import { answer, authority, documents, ownKeyPem, read, reason } from './sample-answer.js';

const serverKey = await generatePrivateKey('rsa2048');
const delivered = await renderAnswer(authority, {
  name: 'my-link',
  spkiDer: spkiOf(serverKey),
  tlsKey: serverKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
});
const foreignCa = (await makeAuthority('Foreign CA')).bundlePem;
const base64 = (text: string) => Buffer.from(text).toString('base64');

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
