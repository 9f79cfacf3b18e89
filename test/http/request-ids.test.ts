import { describe, expect, it } from 'vitest';
import { postRenewal } from '../support/links/test-link.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { exchange, post, type WireResponse } from '../support/wire.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const service = releaseAfterFile(await startTestService());

const idOf = ({ headers }: WireResponse) => headers['linkgrant-request-id'] ?? 'none';

/** Returns the log lines of the request that got this response. */
const linesOf = (answer: WireResponse) =>
  service.logged().filter(({ requestId }) => requestId === idOf(answer));

describe('the request id', () => {
  it('is in the response and in its log line, and differs for each request', async () => {
    const { grant, code } = await service.grant();
    const answers = [
      await post(service, `/${grant.uid}/-/check`, code),
      await post(service, `/${grant.uid}`, 'wrong'),
      await post(service, `/${grant.uid}`, code, { headers: csrHeader() }),
      await post(service, '/nothing-here', code),
      await post(service, `/${grant.uid}`, '', { method: 'GET' }),
      await postRenewal(service, 'no JWS'),
    ];
    redeemedAnswer(answers[2] as WireResponse);
    for (const answer of answers) {
      expect(idOf(answer)).toMatch(UUID);
      expect(linesOf(answer)).toHaveLength(1);
    }
    expect(new Set(answers.map(idOf)).size).toBe(answers.length);
    expect(linesOf(answers[2] as WireResponse)).toMatchObject([{ event: 'redeemed', grant: grant.uid }]);
  });

  it('ignores the id that a client sends', async () => {
    const { grant, code } = await service.grant();
    const own = { 'linkgrant-request-id': '22c7dcf1-ef57-454f-98ff-fa5a79792832', 'x-request-id': 'mine' };
    const answer = await post(service, `/${grant.uid}`, code, { headers: { ...csrHeader(), ...own } });
    expect(idOf(answer)).toMatch(UUID);
    expect(JSON.stringify(answer.headers)).not.toContain('mine');
    expect(idOf(answer)).not.toBe(own['linkgrant-request-id']);
    expect(service.logText()).not.toContain(own['linkgrant-request-id']);
  });

  it('is in the log line of a failed ledger write', async () => {
    const { grant, code } = await service.storedGrant({ redemptions: 1 });
    service.sql('ALTER TABLE refusals RENAME TO elsewhere');
    const answer = await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    expect(answer.headers['linkgrant-reason']).toBe('grant_exhausted');
    await expect
      .poll(() =>
        linesOf(answer)
          .map(({ event }) => event)
          .sort(),
      )
      .toEqual(['ledger_failed', 'refused']);
    service.sql('ALTER TABLE elsewhere RENAME TO refusals');
  });

  it.each([
    ['no HTTP', 400, 'hello\r\n\r\n'],
    ['too many headers', 431, `POST / HTTP/1.1\r\nHost: h\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
  ])('is in the response to %s, and in its log line', async (_what, status, bytes) => {
    const answer = await exchange(service, bytes);
    expect(answer.status).toBe(status);
    expect(idOf(answer)).toMatch(UUID);
    expect(linesOf(answer)).toMatchObject([{ event: 'unreadable', status, peer: '127.0.0.1' }]);
  });

  it('is in the response to an unknown Expect header', async () => {
    const { grant, code } = await service.grant();
    const answer = await post(service, `/${grant.uid}`, code, {
      headers: { ...csrHeader(), expect: 'the best' },
    });
    redeemedAnswer(answer);
    expect(linesOf(answer)).toMatchObject([{ event: 'redeemed' }]);
  });
});
