import { expect, it } from 'vitest';
import { createChance } from '../fuzz/chance.mjs';
import { forEachParallel } from '../support/parallel.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';
import { chooseDelivery, deliver } from './delivery.js';
import { startHostileService } from './hostile-service.js';
import { makeRequest, prepareMaterial } from './http-requests.js';
import { entitlementOf, judgeResponse, oneResponse } from './request-judge.js';
import { countOutcome, printOutcomes, requireNone, startRound, type Violation } from './round.js';

const PARALLEL = 40;
const MAX_SHOWN = 700;
const MAX_HEADER = 16_384;
const MAX_ANSWER_MS = 60_000;
// After the response the service still reads and discards the rest of the request for a while.
const MAX_CONNECTION_MS = 120_000;

const service = releaseAfterFile(await startHostileService());
const material = await prepareMaterial(service);

it('a service survives mutated HTTP requests, accepts only requests that prove a code or key, and counts one use for each certificate', async () => {
  const round = startRound('HTTP requests', { full: 6_000, short: 500 });
  const { chance, count } = round;
  const outcomes = new Map<string, number>();
  const violations: Violation[] = [];
  const serials = new Set<string>();
  let possibleUses = 0;

  const requests = Array.from({ length: count }, (_, index) => ({
    ...makeRequest(index, material, chance),
    delivery: chooseDelivery(chance),
  }));
  await forEachParallel(requests, PARALLEL, async ({ bytes, kinds, delivery }, index) => {
    const violation = (what: string, received: Uint8Array = Buffer.of()) => {
      const changes = kinds.join(', ') || 'nothing changed';
      const texts = [bytes, received].map((text) =>
        JSON.stringify(Buffer.from(text).toString('latin1').slice(0, MAX_SHOWN)),
      );
      violations.push({
        what,
        detail: `request ${index} (${changes}; sent ${delivery})\n${texts.join('\n')}`,
      });
    };
    const entitlement = entitlementOf(bytes, material);
    const exchanged = await deliver(service, bytes, {
      delivery,
      chance: createChance(round.seed + index),
      limitMs: MAX_CONNECTION_MS,
    });
    const { received, answeredMs, endedMs, abandoned } = exchanged;
    if (answeredMs > MAX_ANSWER_MS) violation('no response in time');
    if (endedMs > MAX_CONNECTION_MS) violation('the connection was not ended');
    if (received.length === 0) {
      countOutcome(outcomes, 'no response');
      // Whether the service counted a use is unknown.
      if (!entitlement.unproven) possibleUses += 1;
      // A refusal while bytes are on their way resets the connection, and the response may be lost.
      const isAwaited = bytes.length <= MAX_HEADER && (!entitlement.unproven || delivery === 'at once');
      const isWhole = entitlement.request !== undefined && entitlement.request.method !== 'CONNECT';
      const isClosedByClient = abandoned || delivery === 'then half-closed' || delivery === 'cut';
      if (isWhole && isAwaited && !isClosedByClient) violation('a whole request was not answered');
      return;
    }
    try {
      const response = oneResponse(received);
      countOutcome(outcomes, String(response.status));
      const wrong = judgeResponse(response, entitlement, material, serials);
      if (wrong) violation(wrong, received);
      if (
        kinds.length === 0 &&
        delivery === 'at once' &&
        entitlement.route?.operation === 'check' &&
        response.status !== 200
      )
        violation(`a right check was refused with ${response.status}`, received);
    } catch (error) {
      violation(String(error), received);
    }
  });
  printOutcomes('responses to HTTP requests', outcomes);
  requireNone(violations, round);

  // The round is valid only if some requests were redeemed and some refused.
  expect(serials.size).toBeGreaterThan(count / 20);
  expect(outcomes.get('403') ?? 0).toBeGreaterThan(count / 20);
  expect(outcomes.get('400') ?? 0).toBeGreaterThan(count / 20);

  const [many] = material.grants;
  const answer = await post(service, `/${many?.uid}`, many?.code ?? '', { headers: csrHeader() });
  serials.add(redeemedAnswer(answer).x509.serialNumber.toLowerCase());
  const recorded = service.recordedSerials();
  for (const serial of serials) expect(recorded).toContain(serial);
  expect(recorded.size).toBeLessThanOrEqual(serials.size + material.renewals.length + possibleUses);
  const [few] = service.rows<{ redemptions: number }>("SELECT redemptions FROM grants WHERE name = 'few'");
  expect(few?.redemptions).toBe(5);
  await service.expectUnharmed();
});
