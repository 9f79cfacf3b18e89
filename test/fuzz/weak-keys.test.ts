import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { csrHeader } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { post } from '../support/wire.js';
import { OpenSsl } from '../unit/pki/openssl.js';
import { rocaModulus, rsaKeyOfClosePrimes, unsignedRsaRequest } from '../unit/pki/weak-rsa.js';

const openssl = releaseAfterFile(new OpenSsl());
const service = releaseAfterFile(await startTestService());

function modulusOf(bits: number): bigint {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const { n = '' } = publicKey.export({ format: 'jwk' });
  return BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
}

const N = modulusOf(2048);
const E = 65537n;

/** A request that its key has signed, made by openssl. */
function signed(...keyOptions: readonly string[]): Buffer {
  const key = openssl.write('weak.key', openssl.run(['genpkey', ...keyOptions]));
  return openssl.run(['req', '-new', '-key', key, '-subj', '/CN=east', '-outform', 'DER']);
}

const curve = (name: string, ...more: readonly string[]) =>
  signed('-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${name}`, ...more);
const OUTSIDE = 'an RSA exponent outside 65537 to 2^32';
const SMALL_FACTOR = 'an RSA modulus with a small factor';
const OTHER_CURVE = 'an EC key on another curve than P-256 and P-384';

it.each<[string, string, () => Buffer]>([
  [
    'RSA of 1024 bits',
    'an RSA key of 1024 bits; 2048 to 4096 are accepted',
    () => signed('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'),
  ],
  [
    'RSA of 16,384 bits',
    'an RSA key of 16384 bits; 2048 to 4096 are accepted',
    () => unsignedRsaRequest((1n << 16_383n) + 1n, E),
  ],
  ['RSA and the exponent 1', OUTSIDE, () => unsignedRsaRequest(N, 1n)],
  ['RSA and the exponent 0', OUTSIDE, () => unsignedRsaRequest(N, 0n)],
  ['RSA and the exponent 3', OUTSIDE, () => unsignedRsaRequest(N, 3n)],
  [
    'RSA and an exponent as long as the modulus',
    'an RSA exponent above 2^32',
    () => unsignedRsaRequest(N, N - 2n),
  ],
  ['RSA and an even exponent', 'an RSA exponent that is even', () => unsignedRsaRequest(N, E + 1n)],
  ['RSA and an even modulus', SMALL_FACTOR, () => unsignedRsaRequest(N - 1n, E)],
  [
    'RSA and a modulus with a small factor',
    SMALL_FACTOR,
    () => unsignedRsaRequest(1_999n * modulusOf(2040), E),
  ],
  [
    'RSA and close primes',
    'an RSA modulus whose primes are too close together',
    () => Buffer.from(csrHeader(rsaKeyOfClosePrimes()).csr, 'base64'),
  ],
  [
    'RSA and primes of the ROCA form',
    'an RSA modulus of the ROCA form',
    () => unsignedRsaRequest(rocaModulus(), E),
  ],
  ['P-224', OTHER_CURVE, () => curve('P-224')],
  ['secp256k1', OTHER_CURVE, () => curve('secp256k1')],
  [
    'a curve spelled out',
    'an EC key with explicit curve parameters',
    () => curve('P-256', '-pkeyopt', 'ec_param_enc:explicit'),
  ],
  ['Ed448', 'a key of a kind that is not accepted', () => signed('-algorithm', 'ED448')],
])('a CSR is refused as key_weak and spends no use: %s', async (_weakness, reason, request) => {
  const { grant, code } = await service.grant();
  const headers = { csr: request().toString('base64') };
  const answer = await post(service, `/${grant.uid}`, code, { headers });
  expect([answer.status, answer.body]).toEqual([400, 'Request body not valid\n']);
  expect(answer.headers['linkgrant-reason']).toBe('key_weak');
  expect(service.logged()).toContainEqual(
    expect.objectContaining({ grant: grant.uid, code: 'key_weak', reason }),
  );
  expect(await service.used(grant.uid)).toBe(0);
});
