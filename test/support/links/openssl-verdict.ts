import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'vitest';
import type { OpenSsl } from '../../unit/pki/openssl.js';
import { csrHeader, newKey, type RedeemedAnswer, redeemedAnswer } from '../redeemed-answer.js';
import type { TestService } from '../service.js';
import { post } from '../wire.js';

/** What a client sends to get one of each kind of certificate: its own keys, and one that the service makes. */
export const CLIENTS: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  'its own P-256 key': () => csrHeader(newKey()),
  'its own P-384 key': () => csrHeader(newKey('secp384r1')),
  'its own RSA key': () => csrHeader(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  'a key made by the service': () => ({}),
};

/** Redeems a new grant of the service with these headers, a CSR unless they are given. */
export async function redeemNewGrant(
  service: TestService,
  headers: Readonly<Record<string, string>> = csrHeader(),
): Promise<RedeemedAnswer> {
  const { grant, code } = await service.grant();
  return redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers }));
}

/** Demands that the real `openssl` takes the answer's certificate for a TLS client's, and for no server's. */
export function expectClientCertificate(openssl: OpenSsl, { certificate, ca }: RedeemedAnswer): void {
  const asClient = openssl.verifies(certificate, ca, 'sslclient');
  expect(asClient.ok, asClient.output).toBe(true);
  expect(openssl.verifies(certificate, ca, 'sslserver')).toMatchObject({
    ok: false,
    output: expect.stringMatching(/unsuitable certificate purpose|unsupported certificate purpose/),
  });
}
