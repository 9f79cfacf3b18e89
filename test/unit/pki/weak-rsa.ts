import { checkPrimeSync, createPrivateKey, generatePrimeSync, type KeyObject } from 'node:crypto';
import { der, requestInfo } from './der-by-hand.js';

function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

/** The modulus `n` or the prime `p` of a private RSA key. */
export function jwkNumber(key: KeyObject, name: 'n' | 'p'): bigint {
  return BigInt(`0x${Buffer.from(key.export({ format: 'jwk' })[name] ?? '', 'base64url').toString('hex')}`);
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b - quotient * a, a, y - quotient * x, x];
  }
  return ((x % modulus) + modulus) % modulus;
}

/** A private RSA key of 2048 bits that works, but whose primes are neighbours. */
export function rsaKeyOfClosePrimes(): KeyObject {
  const e = 65537n;
  for (;;) {
    const p = generatePrimeSync(1024, { bigint: true });
    let q = p + 2n;
    while (!checkPrimeSync(q)) q += 2n;
    const phi = (p - 1n) * (q - 1n);
    if (phi % e === 0n) continue;
    const d = inverse(e, phi);
    const numbers = { n: p * q, e, d, p: q, q: p, dp: d % (q - 1n), dq: d % (p - 1n), qi: inverse(p, q) };
    const jwk = Object.entries(numbers).map(([name, value]) => [name, bytesOf(value).toString('base64url')]);
    return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(jwk) }, format: 'jwk' });
  }
}

function integer(value: bigint): Buffer {
  const bytes = bytesOf(value);
  return der(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]));
}

/** A well-formed request for an RSA public key, which needs no private key: the signature is arbitrary. */
export function unsignedRsaRequest(n: bigint, e: bigint): Buffer {
  const key = der(0x30, integer(n), integer(e));
  const algorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
  const spki = der(0x30, algorithm, der(0x03, Buffer.of(0), key));
  const signature = der(0x03, Buffer.concat([Buffer.of(0), Buffer.alloc(256, 1)]));
  return der(0x30, requestInfo(spki), Buffer.from('300d06092a864886f70d01010b0500', 'hex'), signature);
}

/** An RSA modulus of 2048 bits whose primes have the ROCA form: k · M + (65537^a mod M), M the product of 126 primes. */
export function rocaModulus(): bigint {
  const primes = [2n];
  for (let candidate = 3n; primes.length < 126; candidate += 2n) {
    if (primes.every((prime) => candidate % prime !== 0n)) primes.push(candidate);
  }
  const product = primes.reduce((left, right) => left * right);
  let power = 1n;
  const primeOfRoca = (): bigint => {
    // The top two bits are set, so that two such primes have a modulus of full length.
    let factor = (3n << 1022n) / product + 1n;
    for (;;) {
      power = (power * 65537n) % product;
      const candidate = factor++ * product + power;
      if (checkPrimeSync(candidate)) return candidate;
    }
  };
  return primeOfRoca() * primeOfRoca();
}
