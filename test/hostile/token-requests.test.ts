import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import { encodeRequestLine } from '../../src/codes/request-line.js';
import { encodePem } from '../../src/pki/pem.js';
import { mutatedRequests } from '../fuzz/mutated-requests.mjs';
import { opensslVerdicts } from '../fuzz/openssl-requests.mjs';
import { forEachParallel } from '../support/parallel.js';
import { releaseAfterFile } from '../support/release.js';
import { startHostileService } from './hostile-service.js';
import { slowInputs, type TimedInput } from './proof-round.js';
import {
  type Chance,
  countOutcome,
  printOutcomes,
  requireNone,
  startRound,
  type Violation,
} from './round.js';

const PARALLEL = 8;
const MAX_LINE_BYTES = 4_096;
// 413: of a text of more than 8 KiB.
const REFUSALS = new Set([400, 413, 422]);

const service = releaseAfterFile(await startHostileService());
const grant = await service.grant('any-key', 1_000_000, { 'linkgrant/key-types': 'p256,p384,rsa,ed25519' });

const issueFor = (request: string) =>
  service.admin('POST', '/api/v1/tokens', { json: { grantUid: grant.uid, subject: 'site', request } });

/** The text of a request, in PEM or as a line; every second one with a change. */
function textOf(der: Buffer, chance: Chance): string {
  const pem = encodePem('CERTIFICATE REQUEST', der);
  // The time to encode a line grows with the square of its length, and a longer one cannot be a request.
  const line = der.length > MAX_LINE_BYTES ? undefined : encodeRequestLine(der);
  const text = chance.below(2) === 0 ? pem : (line ?? pem);
  if (chance.below(2) === 0) return text;
  const at = chance.below(text.length);
  return chance.pick<() => string>([
    () => text.slice(0, at),
    () => text.slice(at),
    () => text.slice(0, at) + chance.pick(['A', '\0', '=', '\n', '-', 'é', '\u202e']) + text.slice(at + 1),
    () => text + text,
    () => `> ${text.replaceAll('\n', '\n> ')}`,
    () => text.replaceAll('\n', '\r\n'),
    () => `Hello,\n\n${text}\nRegards\n`,
    () => text.toUpperCase(),
    () => text.replace('CERTIFICATE REQUEST', chance.pick(['CERTIFICATE', 'PRIVATE KEY', 'X'])),
    () => `${text}-----BEGIN PRIVATE KEY-----\n`,
    () => 'lgq1_'.repeat(1 + chance.below(1_500)),
    () => '-----BEGIN CERTIFICATE REQUEST-----\n'.repeat(1 + chance.below(200)),
  ])();
}

it('a service issues a token for a mutated request, in PEM or as a line, only if OpenSSL verifies it, and for its key', async () => {
  const round = startRound('requests for tokens', { full: 2_400, short: 300 });
  const outcomes = new Map<string, number>();
  const violations: Violation[] = [];
  const issued: { readonly der: Buffer; readonly text: string; readonly keySha256: string }[] = [];
  const all: TimedInput<string>[] = [];
  const requests = [...mutatedRequests(round.count, round.seed)].map(({ der }) => ({
    der,
    text: textOf(der, round.chance),
  }));
  await forEachParallel(requests, PARALLEL, async ({ der, text }) => {
    const startedAt = performance.now();
    const { status, body } = await issueFor(text);
    all.push({ input: text, ms: performance.now() - startedAt });
    countOutcome(outcomes, String(status));
    if (status === 201) issued.push({ der, text, keySha256: JSON.parse(body).keySha256 });
    else if (!REFUSALS.has(status))
      violations.push({ what: `refused with ${status}`, detail: text.slice(0, 900) });
  });
  printOutcomes('responses to requests for tokens', outcomes);
  const keys = await opensslVerdicts(issued.map(({ der }) => der));
  for (const [index, { text, keySha256 }] of issued.entries()) {
    const key = keys[index];
    if (key && hash('sha256', key, 'hex') === keySha256) continue;
    violations.push({ what: 'issued for a request that OpenSSL refuses, or for another key', detail: text });
  }
  for (const text of await slowInputs(service, all, issued[0]?.text, issueFor))
    violations.push({ what: 'takes too much processor time', detail: text.slice(0, 900) });
  requireNone(violations, round);
  expect(issued.length).toBeGreaterThan(round.count / 300);
  expect(service.recordedSerials()).toEqual(new Set());
  await service.expectUnharmed();
});
