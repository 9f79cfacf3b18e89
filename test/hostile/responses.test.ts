import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { AccessToken } from '../../src/domain/access-token.js';
import { parseCertificateRequest } from '../../src/pki/requests.js';
import { createChance } from '../fuzz/chance.mjs';
import { forEachParallel } from '../support/parallel.js';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import { CODE, type SeenRequest, serveHttps } from '../support/servers/hostile-server.js';
import { checkAnswer } from '../support/servers/issuing-server.js';
import { MARKER, prepareResponses, renderResponse, WRONG_PARTS } from './hostile-responses.js';
import { changeJson, type Json } from './json-changes.js';
import { filesBelow, judgeLinkFiles } from './link-judge.js';
import { Redeemer } from './redeemer.js';
import { WRONG_SENDING } from './response-sending.js';
import { TEXT_CHANGES } from './response-texts.js';
import {
  type Chance,
  countOutcome,
  printOutcomes,
  requireNone,
  startRound,
  type Violation,
} from './round.js';

// Some responses never arrive; the other clients redeem meanwhile.
const PARALLEL = 3;
// The client waits only so long for a response that may never arrive, and longer for the others, because of slow machines.
const EXCHANGE_MS = { sending: 3_000, others: 30_000 };
const NAME = 'my-link';

/** How a hostile server answers for one token, and whether the client may create a Link from that. */
interface Case {
  readonly kind: 'right' | 'parts' | 'text' | 'sending' | 'check';
  readonly change: string;
  readonly manner: 'linkgrant' | 'stock';
  readonly mayLink: boolean;
}

const cases = new Map<string, { readonly testCase: Case; readonly chance: Chance }>();
const redeemers = Array.from({ length: PARALLEL }, () => new Redeemer());
const directory = directoryForFile();

const trap = releaseAfterFile(await serveHttps((_request, _incoming, response) => response.end()));
const material = await prepareResponses(trap.token.url);
const server = releaseAfterFile(
  await serveHttps((request, _incoming, response) => void answer(request, response)),
);
afterAll(() => {
  for (const redeemer of redeemers) redeemer.close();
});

async function answer(request: SeenRequest, response: Parameters<typeof send>[0]): Promise<void> {
  const [, id = ''] = request.url.split('/');
  const { testCase, chance } = cases.get(id) ?? {};
  if (!testCase || !chance) throw new Error('a client requested a URL of no token');
  if (request.url.endsWith('/-/check')) {
    const check: Json = JSON.parse(JSON.stringify({ ...checkAnswer(), policy: {} }));
    if (testCase.manner === 'stock') response.writeHead(404).end('No such claim\n');
    else response.end(JSON.stringify(testCase.kind === 'check' ? changeJson(check, chance) : check));
    return;
  }
  const csr = parseCertificateRequest(Buffer.from(String(request.headers.csr), 'base64'));
  if ('invalid' in csr) throw new Error('the client sent no CSR');
  const clientRequest = { name: String(request.headers.name), spkiDer: csr.spkiDer, manner: testCase.manner };
  const change = testCase.kind === 'parts' ? WRONG_PARTS[testCase.change] : undefined;
  const text = await renderResponse(clientRequest, material, change, chance);
  send(
    response,
    testCase.kind === 'text' ? (TEXT_CHANGES[testCase.change]?.(text, chance) ?? text) : text,
    testCase,
    chance,
  );
}

function send(
  response: Parameters<(typeof WRONG_SENDING)[string]>[0],
  text: string,
  testCase: Case,
  chance: Chance,
): void {
  const wrong = testCase.kind === 'sending' ? WRONG_SENDING[testCase.change] : undefined;
  if (wrong) wrong(response, text, chance, material);
  else response.end(text);
}

function chooseCase(chance: Chance): Case {
  const manner = chance.pick(['linkgrant', 'linkgrant', 'stock'] as const);
  return chance.pick<() => Case>([
    () => ({ kind: 'right', change: 'nothing', manner, mayLink: true }),
    () => ({ kind: 'check', change: 'the check', manner: 'linkgrant', mayLink: true }),
    ...Array<() => Case>(4).fill(() => ({
      kind: 'parts',
      change: chance.pick(Object.keys(WRONG_PARTS)),
      manner,
      mayLink: false,
    })),
    ...Array<() => Case>(5).fill(() => ({
      kind: 'text',
      change: chance.pick(Object.keys(TEXT_CHANGES)),
      manner,
      mayLink: true,
    })),
    ...Array<() => Case>(2).fill(() => ({
      kind: 'sending',
      change: chance.pick(Object.keys(WRONG_SENDING)),
      manner,
      mayLink: false,
    })),
  ])();
}

it('token redeem survives mutated responses, and creates a Link only from a response that verifies', async () => {
  const round = startRound('responses', { full: 650, short: 120 });
  const outcomes = new Map<string, number>();
  const violations: Violation[] = [];
  let mostCpuMs = 0;
  const chosen = Array.from({ length: round.count }, () => chooseCase(round.chance));
  await forEachParallel(chosen, PARALLEL, async (testCase, index) => {
    const id = randomUUID();
    cases.set(id, { testCase, chance: createChance(round.seed + index) });
    const root = join(directory, String(index));
    const token: AccessToken = {
      ...{ name: NAME, code: CODE, ca: server.token.ca },
      url: `https://127.0.0.1:${server.port}/${id}`,
    };
    const redeemer = redeemers.pop() ?? new Redeemer();
    const exchangeMs = EXCHANGE_MS[testCase.kind === 'sending' ? 'sending' : 'others'];
    const { outcome, message = '', cpuMs = 0 } = await redeemer.redeem(token, root, exchangeMs);
    redeemers.push(redeemer);
    countOutcome(outcomes, outcome);
    mostCpuMs = Math.max(mostCpuMs, cpuMs);
    const violation = (what: string) =>
      violations.push({
        what,
        detail: `response ${index} (${testCase.kind}: ${testCase.change}; ${testCase.manner}): ${message}`,
      });
    if (/^(hung|ended|failed)$/.test(outcome)) violation(`the client ${outcome}`);
    if (message.includes(MARKER)) violation('text of the server in a message');
    const written = filesBelow(join(root, 'links'));
    if (outcome === 'redeemed') {
      const wrong = testCase.mayLink
        ? judgeLinkFiles(join(root, 'links'), NAME)
        : `a Link in spite of ${testCase.change}`;
      if (wrong) violation(wrong);
    } else {
      if (testCase.kind === 'right') violation('a right response was refused');
      if (written.length > 0) violation('files were written for a refused response');
    }
    if (existsSync(root) && readdirSync(root).some((name) => name !== 'data' && name !== 'links'))
      violation('a file in another directory');
    rmSync(root, { recursive: true, force: true });
  });
  // A file that a client wrote next to its own directory would still be here.
  if (readdirSync(directory).length > 0)
    violations.push({ what: 'a file outside the directory of each client', detail: directory });
  printOutcomes('outcomes of token redeem', outcomes);
  console.log(`hostile round: at most ${Math.round(mostCpuMs)} ms of processor time for one response`);
  requireNone(violations, round);
  expect(outcomes.get('redeemed') ?? 0).toBeGreaterThan(round.count / 20);
  expect(outcomes.get('answer_invalid') ?? 0).toBeGreaterThan(round.count / 5);
  expect(trap.connections()).toBe(0);
});
