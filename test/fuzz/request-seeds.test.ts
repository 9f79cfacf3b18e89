import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCertificateRequest } from '../../src/pki/requests.js';
import { redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { startTestService, type TestService } from '../support/service.js';
import { post } from '../support/wire.js';
import { OpenSsl } from '../unit/pki/openssl.js';
import { opensslVerdicts } from './openssl-requests.mjs';
import { type RequestSeed, readRequestSeeds } from './request-seeds.mjs';

const seeds = readRequestSeeds();
const UNUSED_TEXT = ['openssl-p256-bmp-name', 'openssl-rsa2048-teletex-name'];
const isAccepted = ({ name }: RequestSeed) => !UNUSED_TEXT.includes(name);

const openssl = releaseAfterFile(new OpenSsl());

describe('certificate requests of other programs', () => {
  it('are accepted with the key that OpenSSL reads from them, except text types that are no longer used', async () => {
    // An empty directory of recordings would prove nothing.
    expect(seeds.length).toBeGreaterThanOrEqual(20);
    const keys = await opensslVerdicts(seeds.map(({ der }) => der));
    for (const [index, seed] of seeds.entries()) {
      const verdict = parseCertificateRequest(seed.der);
      const key = keys[index] ?? expect.fail(`OpenSSL refuses ${seed.name}`);
      if (isAccepted(seed)) expect(verdict, seed.name).toMatchObject({ spkiDer: new Uint8Array(key) });
      else
        expect(verdict, seed.name).toMatchObject({
          reason: expect.stringContaining('of a type that is not accepted'),
        });
    }
  });
});

describe('the certificate for a request of another program', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.close());

  it.each(seeds.filter(isAccepted))('contains only the key of $name', async ({ der }) => {
    const { grant, code } = await service.storedGrant({
      policy: { keyTypes: ['p256', 'p384', 'rsa', 'ed25519'] },
    });
    const headers = { csr: der.toString('base64'), subject: 'west' };
    const { certificate, redemptionId: id } = redeemedAnswer(
      await post(service, `/${grant.uid}`, code, { headers }),
    );
    const certificateText = openssl
      .run(['x509', '-text', '-pubkey', '-nameopt', 'utf8'], certificate)
      .toString();
    expect(certificateText.match(/Subject: .*/g)).toEqual(['Subject: CN=west']);
    const isRsa = new X509Certificate(certificate).publicKey.asymmetricKeyType === 'rsa';
    expect(extensionsIn(certificateText)).toEqual({
      'X509v3 Basic Constraints: critical': 'CA:FALSE',
      'X509v3 Key Usage: critical': isRsa ? 'Digital Signature, Key Encipherment' : 'Digital Signature',
      'X509v3 Extended Key Usage': 'TLS Web Client Authentication',
      'X509v3 Subject Alternative Name': `URI:urn:uuid:${id}`,
      'X509v3 Subject Key Identifier': expect.any(String),
      'X509v3 Authority Key Identifier': expect.any(String),
    });
    const key = openssl.run(['req', '-inform', 'DER', '-noout', '-pubkey'], der).toString();
    expect(certificateText).toContain(key);
    expect(new X509Certificate(certificate).raw.includes('example')).toBe(false);
  });
});

/** The extensions that `openssl x509 -text` prints, by their heading. */
function extensionsIn(text: string): Record<string, string> {
  const [, shown = ''] = /X509v3 extensions:\n([\s\S]*?)\n {4}Signature Algorithm/.exec(text) ?? [];
  const entries = shown.split(/\n(?= {12}\S)/).map((extension) => {
    const [heading = '', ...lines] = extension.split('\n').map((line) => line.trim());
    return [heading.replace(/: ?$/, ''), lines.join(' ')] as const;
  });
  return Object.fromEntries(entries);
}
