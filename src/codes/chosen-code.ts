import { createRequire } from 'node:module';
import type * as core from '@zxcvbn-ts/core';
import type * as common from '@zxcvbn-ts/language-common';

const SHORTEST = 16;
const LONGEST = 4000;
// Fewer guesses than 10^13 are within reach of someone who can try them offline, or for weeks at several replicas.
const LEAST_GUESSES_LOG10 = 13;
// A tenant of a cluster chooses codes for which the service then computes: for so many characters and substitutions an
// estimate takes about 3 ms, with the defaults up to 150 ms. More characters make a code no weaker.
const ESTIMATED_LENGTH = 24;
const MOST_SUBSTITUTIONS = 10;
const MOST_CACHED = 1_000;

const load = createRequire(import.meta.url);
let estimator: core.ZxcvbnFactory | undefined;
// The AccessGrants of a cluster are read often, each time with the same code.
const estimates = new Map<string, number>();

/**
 * Why a code that a person chose is not accepted, or undefined if it is: 16 to 4,000 printable ASCII characters without
 * white space, that are not easily guessed. The reason does not repeat the code.
 */
export function checkChosenCode(code: string): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(code))
    return 'the code may hold printable ASCII characters only, and no white space';
  if (code.length < SHORTEST) return `the code must have at least ${SHORTEST} characters`;
  if (code.length > LONGEST) return `the code must have at most ${LONGEST} characters`;
  if (guessesLog10(code.slice(0, ESTIMATED_LENGTH)) >= LEAST_GUESSES_LOG10) return undefined;
  return 'the code is easy to guess; generate one with `openssl rand -hex 16`, or leave it out and one is generated';
}

function guessesLog10(text: string): number {
  const known = estimates.get(text);
  if (known !== undefined) return known;
  const guesses = strengthEstimator().check(text).guessesLog10;
  const [oldest] = estimates.keys();
  if (oldest !== undefined && estimates.size >= MOST_CACHED) estimates.delete(oldest);
  estimates.set(text, guesses);
  return guesses;
}

/** Loaded at the first use: its dictionaries take longer than most commands. */
function strengthEstimator(): core.ZxcvbnFactory {
  if (!estimator) {
    const { ZxcvbnFactory } = load('@zxcvbn-ts/core') as typeof core;
    const { dictionary, adjacencyGraphs } = load('@zxcvbn-ts/language-common') as typeof common;
    estimator = new ZxcvbnFactory({
      dictionary,
      graphs: adjacencyGraphs,
      l33tMaxSubstitutions: MOST_SUBSTITUTIONS,
    });
  }
  return estimator;
}
