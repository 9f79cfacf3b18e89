import { createPublicKey, type KeyObject } from 'node:crypto';
import { expect } from 'vitest';
import { opensslVerdicts } from '../fuzz/openssl-requests.mjs';
import { forEachParallel } from '../support/parallel.js';
import { redeemedAnswer } from '../support/redeemed-answer.js';
import { post, type WireResponse } from '../support/wire.js';
import type { HostileService } from './hostile-service.js';
import {
  type Chance,
  countOutcome,
  printOutcomes,
  requireNone,
  startRound,
  type Violation,
} from './round.js';

const PARALLEL = 8;
const MAX_BODY = 4_096;
const MAX_REPEATED = 5;
// An input blocks the event loop for at most its processor time. A loaded or slow machine needs more of it for all inputs, so the
// limit grows with that of a right proof.
const MAX_PROCESSOR_MS = 50;
const MAX_RATIO = 4;
const SLOWEST = 8;
const REPETITIONS = 5;

const MAX_SHOWN = 900;
// 431: a mutated CSR can be longer than the headers of a request may be.
const STATUSES = new Set([200, 400, 403, 404, 413, 431]);

/** A redemption or check whose proof may be changed. */
export interface HostileProof {
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Names of the changes; empty for a right proof. */
  readonly kinds: readonly string[];
  /** The key that a certificate may be issued for; undefined if the body proves nothing, with any CSR. */
  readonly key?: KeyObject | undefined;
  /** True if the CSR is the right one after a mutation: it is a proof if OpenSSL verifies it for `key`. */
  readonly isMutatedCsr?: boolean;
}

/** A kind of proof, and the requests with it. */
export interface ProofSource {
  /** Plural. */
  readonly name: string;
  make(index: number, chance: Chance): HostileProof;
}

/** An input, and how long its response took. */
export interface TimedInput<Input> {
  readonly input: Input;
  readonly ms: number;
}

/**
 * Sends mutated proofs of a kind. Asserts that only right ones have an effect, that each certificate is recorded and has the key of
 * its CSR, that no response is a server error, and that no input takes 50 ms of processor time more than a right proof.
 */
export async function runProofRound(
  service: HostileService,
  { name, make }: ProofSource,
  counts: { readonly full: number; readonly short: number },
): Promise<void> {
  const round = startRound(name, counts);
  const outcomes = new Map<string, number>();
  const violations: Violation[] = [];
  const violation = (what: string, { kinds, path, body, headers }: HostileProof) =>
    violations.push({
      what,
      detail: `${kinds.join(', ')}\n${JSON.stringify({ path, headers, body }).slice(0, MAX_SHOWN)}`,
    });
  const earlier = service.recordedSerials();
  const serials = new Set<string>();
  const mutated: HostileProof[] = [];
  const all: TimedInput<HostileProof>[] = [];
  const proofs = Array.from({ length: round.count }, (_, index) => make(index, round.chance));
  await forEachParallel(proofs, PARALLEL, async (proof) => {
    const startedAt = performance.now();
    const response = await sendProof(service, proof);
    all.push({ input: proof, ms: performance.now() - startedAt });
    countOutcome(outcomes, String(response?.status ?? 'connection reset'));
    if (!response) return;
    const wrong = judge(response, proof, serials);
    if (wrong !== undefined) violation(wrong, proof);
    if (response.status === 200 && proof.isMutatedCsr) mutated.push(proof);
  });
  printOutcomes(`responses to ${name}`, outcomes);
  const keys = await opensslVerdicts(mutated.map(({ headers }) => Buffer.from(headers.csr ?? '', 'base64')));
  for (const [index, proof] of mutated.entries()) {
    if (!keys[index]?.equals(spkiOf(proof.key)))
      violation('accepted with a CSR that OpenSSL refuses, or of another key', proof);
  }
  const right = proofs.find(({ kinds }) => kinds.length === 0);
  const send = (proof: HostileProof) => sendProof(service, proof);
  for (const proof of await slowInputs(service, all, right, send))
    violation('takes too much processor time', proof);
  requireNone(violations, round);
  expect(service.recordedSerials()).toEqual(new Set([...earlier, ...serials]));
  // The round is valid only if right proofs were accepted among the others.
  expect(serials.size).toBeGreaterThan(5);
}

/** Sends a proof. Repeats it while the service is overloaded; undefined if a body that is too long was not read to its end. */
async function sendProof(
  service: HostileService,
  { path, body, headers }: HostileProof,
): Promise<WireResponse | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await post(service, path, body, { headers }).catch((error: unknown) => {
      if (body.length > MAX_BODY) return undefined;
      throw error;
    });
    if (response?.headers['retry-after'] === undefined || attempt === MAX_REPEATED) return response;
  }
}

/** Returns what is wrong with a response; `serials` collects the serial numbers of its certificates. */
function judge(response: WireResponse, proof: HostileProof, serials: Set<string>): string | undefined {
  const { key, kinds, isMutatedCsr = false, path } = proof;
  const { status, headers, body } = response;
  if (!STATUSES.has(status)) return `an unexpected status ${status}`;
  const isRight = kinds.length === 0;
  if (status !== 200) {
    if (isRight) return `a right proof is refused with ${status} ${headers['linkgrant-reason']}`;
    const hasReason = headers['linkgrant-reason'] !== undefined;
    return hasReason && !isMutatedCsr ? 'a refusal has a reason although nothing is proven' : undefined;
  }
  if (!isRight && !isMutatedCsr) return 'a proof that is not right is accepted';
  if (path.endsWith('/-/check')) return undefined;
  const { x509, keyPem } = redeemedAnswer(response);
  serials.add(x509.serialNumber.toLowerCase());
  if (keyPem !== undefined || body.includes('PRIVATE KEY')) return 'a private key is sent';
  const issued = x509.publicKey.export({ format: 'der', type: 'spki' });
  return issued.equals(spkiOf(key)) ? undefined : 'a certificate for another key';
}

/**
 * Repeats the inputs whose responses took longest, one at a time, and returns those that take much more processor time than `right`.
 */
export async function slowInputs<Input>(
  service: Pick<HostileService, 'processorMs'>,
  all: readonly TimedInput<Input>[],
  right: Input | undefined,
  send: (input: Input) => Promise<unknown>,
): Promise<Input[]> {
  const slowest = all.toSorted((one, other) => other.ms - one.ms).slice(0, SLOWEST);
  const processorMs = async (input: Input) => {
    const before = await service.processorMs();
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1) await send(input);
    return ((await service.processorMs()) - before) / REPETITIONS;
  };
  const found: Input[] = [];
  for (const { input } of slowest) {
    const limit = MAX_PROCESSOR_MS + MAX_RATIO * (right ? await processorMs(right) : 0);
    if ((await processorMs(input)) > limit) found.push(input);
  }
  return found;
}

function spkiOf(key: KeyObject | undefined): Buffer {
  return key ? createPublicKey(key).export({ format: 'der', type: 'spki' }) : Buffer.of();
}
