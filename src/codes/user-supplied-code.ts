import { createRequire } from 'node:module';
import type * as core from '@zxcvbn-ts/core';
import type * as common from '@zxcvbn-ts/language-common';

const MIN_LENGTH = 16;
const MAX_LENGTH = 4000;
// With fewer guesses an attacker could find a code: offline with a stored hash, or in weeks of requests to several replicas.
const MIN_GUESSES_LOG10 = 13;
// Tenants of a cluster supply codes, and the service estimates them. With these bounds an estimate takes about 3 ms, without
// them up to 150 ms. Further characters cannot make a code weaker.
const ESTIMATED_LENGTH = 24;
const MAX_SUBSTITUTIONS = 10;
const MAX_CACHED_ESTIMATES = 1_000;
// Words that an attacker tries first, in addition to the names of the grant.
const PRODUCT_WORDS = [
  'linkgrant',
  'skupper',
  'accessgrant',
  'accesstoken',
  'redemption',
  'kubernetes',
  'inter-router',
];

const load = createRequire(import.meta.url);
let estimator: core.ZxcvbnFactory | undefined;
// In a cluster the same grant is read repeatedly, with the same code.
const estimates = new Map<string, number>();

/**
 * Returns why a user-supplied code is not accepted, undefined if it is: 16 to 4,000 printable ASCII characters without white
 * space, and not easy to guess for someone who knows `names`, those of its grant. The reason does not repeat the code.
 */
export function userSuppliedCodeProblem(code: string, names: readonly string[]): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(code))
    return 'the code may contain only printable ASCII characters, and no white space';
  if (code.length < MIN_LENGTH) return `the code must have at least ${MIN_LENGTH} characters`;
  if (code.length > MAX_LENGTH) return `the code must have at most ${MAX_LENGTH} characters`;
  if (guessesLog10(code.slice(0, ESTIMATED_LENGTH), names) >= MIN_GUESSES_LOG10) return undefined;
  return 'the code is easy to guess; generate one with `openssl rand -hex 16`, or omit the code to have one generated';
}

function guessesLog10(text: string, names: readonly string[]): number {
  const key = JSON.stringify([text, names]);
  const cached = estimates.get(key);
  if (cached !== undefined) return cached;
  const words = [...PRODUCT_WORDS, ...names.map((name) => name.slice(0, ESTIMATED_LENGTH))];
  const guesses = strengthEstimator().check(text, words).guessesLog10;
  const [oldest] = estimates.keys();
  if (oldest !== undefined && estimates.size >= MAX_CACHED_ESTIMATES) estimates.delete(oldest);
  estimates.set(key, guesses);
  return guesses;
}

/**
 * Returns the estimator. It is loaded at the first use, because loading its dictionaries takes longer than most commands.
 */
function strengthEstimator(): core.ZxcvbnFactory {
  if (!estimator) {
    const { ZxcvbnFactory } = load('@zxcvbn-ts/core') as typeof core;
    const { dictionary, adjacencyGraphs } = load('@zxcvbn-ts/language-common') as typeof common;
    estimator = new ZxcvbnFactory({
      dictionary,
      graphs: adjacencyGraphs,
      l33tMaxSubstitutions: MAX_SUBSTITUTIONS,
    });
  }
  return estimator;
}
