import { LARGEST_RSA_EXPONENT, rsaBits, rsaSizeProblem } from './certificate-key.js';

const SMALL_PRIMES = primesBelow(2000);
/** How many steps of Fermat's method are tried: enough for primes that differ in their lower half only. */
const FERMAT_STEPS = 64;
/** The product of the primes up to this one divides what ROCA keys of 1984 bits and more are made with. */
const LAST_ROCA_PRIME = 701n;
const ROCA_GENERATOR = 65537n;
const ROCA_RESIDUES = SMALL_PRIMES.filter((prime) => prime <= LAST_ROCA_PRIME).map(
  (prime) => [prime, powersOf(ROCA_GENERATOR, prime)] as const,
);

function primesBelow(limit: number): readonly bigint[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes.map(BigInt);
}

function powersOf(base: bigint, modulus: bigint): ReadonlySet<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * base) % modulus) powers.add(power);
  return powers;
}

function integerOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

/** The largest integer whose square is at most `value`. */
function squareRoot(value: bigint, bits: number): bigint {
  let root = 1n << BigInt(Math.ceil(bits / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function hasClosePrimes(modulus: bigint, bits: number): boolean {
  let middle = squareRoot(modulus, bits);
  if (middle * middle < modulus) middle++;
  for (let step = 0; step < FERMAT_STEPS; step++, middle++) {
    const rest = middle * middle - modulus;
    // Squares are 0, 1, 4 or 9 modulo 16: most candidates end here without a root.
    if (!['0', '1', '4', '9'].includes((rest & 15n).toString())) continue;
    const root = rest === 0n ? 0n : squareRoot(rest, rest.toString(2).length);
    if (root * root === rest) return true;
  }
  return false;
}

/** True when both primes were made as k · M + (65537^a mod M), M a product of primes: such a modulus can be factored. */
function isOfRoca(modulus: bigint): boolean {
  return ROCA_RESIDUES.every(([prime, residues]) => residues.has(modulus % prime));
}

/**
 * Why an RSA public key (big-endian modulus and exponent, no sign byte) must not be trusted, undefined if nothing
 * speaks against it: 2048 to 4096 bits, an odd exponent of 65537 to 2^32, no small factor, not of the ROCA form,
 * primes not close together.
 */
export function rsaWeakness(modulusBytes: Uint8Array, exponentBytes: Uint8Array): string | undefined {
  const bits = rsaBits(modulusBytes);
  const sizeProblem = rsaSizeProblem(bits);
  if (sizeProblem !== undefined) return sizeProblem;
  if (exponentBytes.length > 5) return 'an RSA exponent above 2^32';
  const exponent = integerOf(exponentBytes);
  if (exponent < 65537n || exponent > LARGEST_RSA_EXPONENT) return 'an RSA exponent outside 65537 to 2^32';
  if (exponent % 2n === 0n) return 'an RSA exponent that is even';
  const modulus = integerOf(modulusBytes);
  if (SMALL_PRIMES.some((prime) => modulus % prime === 0n)) return 'an RSA modulus with a small factor';
  if (isOfRoca(modulus)) return 'an RSA modulus of the ROCA form';
  return hasClosePrimes(modulus, bits) ? 'an RSA modulus whose primes are too close together' : undefined;
}
