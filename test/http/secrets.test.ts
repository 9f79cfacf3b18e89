import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mintCode } from '../../src/codes/opaque-code.js';
import { RedemptionError } from '../../src/domain/redemption-error.js';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService, MINUTE, startTestService, type TestService } from '../support/service.js';
import { withStore } from '../support/stores/changed-store.js';
import { exchange, post, type WireResponse } from '../support/wire.js';

interface Run {
  readonly answers: WireResponse[];
  /** Texts that only a response with status 200 may contain. */
  readonly secrets: Set<string>;
}

/** Sends requests of every kind; adds their responses and secrets to `run`. */
async function everyRequest(service: TestService, run: Run): Promise<void> {
  const { answers, secrets } = run;
  const send = async (path: string, code: string, headers: Record<string, string> = {}, method = 'POST') => {
    secrets.add(code);
    const answer = await post(service, path, code, { method, headers });
    answers.push(answer);
    if (answer.status !== 200 || path.endsWith('check')) return;
    const { keyPem } = redeemedAnswer(answer);
    for (const line of keyPem?.split('\n').slice(1, -2) ?? []) secrets.add(line);
  };
  const accepts = { accept: 'application/problem+json' };
  const now = service.clock.read();
  const grants = [
    await service.grant(),
    await service.grant({ code: 'chosen-by-a-person-1' }),
    await service.storedGrant({ redemptionsAllowed: 3 }),
    await service.storedGrant({ expirationTime: now - 1 }),
    await service.storedGrant({ revokedAt: now }),
    await service.storedGrant({ expirationTime: null }),
    await service.storedGrant({ issuer: 'no-such-ca' }),
    await service.storedGrant({ policy: { notBefore: now + MINUTE } }),
    await service.storedGrant({ policy: { subjects: [] } }),
    await service.storedGrant({ policy: { csrRequired: true } }),
  ];
  for (const { grant, code } of grants) {
    const path = `/${grant.uid}`;
    for (const headers of [{}, {}, csrHeader(), accepts]) await send(path, code, headers);
    await send(path, mintCode());
    await send(path, `${code}x`, accepts);
    await send(path, code, { csr: 'AAAA' });
    await send(path, code, { name: 'No_Name' });
    await send(path, code, {}, 'PUT');
    await send(`${path}/-/check`, code);
    await send(`${path}/-/check`, mintCode());
    await send(`/default/${grant.name}`, code);
    await send(`/default/${grant.name}`, mintCode());
    await send(`/${code}`, code);
    await send(`${path}?code=${code}`, mintCode());
    answers.push(
      await exchange(service, `POST /${code} HTTP/1.1\r\nHost: h\r\nname: ${code}\0\r\n\r\n${code}`),
      await exchange(
        service,
        `POST ${path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${code}`,
      ),
    );
  }
}

function expectNoSecret(text: string, { secrets }: Run): void {
  for (const secret of secrets) {
    expect(text.includes(secret), 'a secret as it is').toBe(false);
    expect(text.includes(Buffer.from(secret).toString('base64')), 'a secret in base64').toBe(false);
    expect(text.includes(Buffer.from(secret).toString('hex')), 'a secret in hex').toBe(false);
  }
  expect(text).not.toContain('PRIVATE KEY');
}

const run: Run = { answers: [], secrets: new Set() };

const service = releaseAfterFile(await startTestService({ allowRedeemByKey: true, logLevel: 'debug' }));
await everyRequest(service, run);
let failure: unknown = new RedemptionError('store_unavailable', 'the disk is full');
const fail = () => Promise.reject(failure);
const faults: Partial<GrantStore> = { recordRedemption: fail, recordReplay: fail, recordRefusal: fail };
const failing = releaseAfterFile(
  await composeTestService({
    allowRedeemByKey: true,
    store: (real) => withStore(real, faults),
  }),
);
await everyRequest(failing, run);
failure = new TypeError('cannot read properties of undefined');
await everyRequest(failing, run);

describe('codes and private keys, after every kind of request,', () => {
  it('were collected in large number, with responses of every status', () => {
    const statuses = new Set(run.answers.map(({ status }) => status));
    expect([...statuses].sort()).toEqual([200, 400, 403, 404, 405, 500, 503]);
    expect(run.secrets.size).toBeGreaterThan(100);
  });

  it('are in no log line', () => {
    for (const { logged, logText } of [service, failing]) {
      expect(logged().length).toBeGreaterThan(100);
      expectNoSecret(logText(), run);
    }
  });

  it('are in no metric', async () => {
    for (const { metricsText } of [service, failing]) {
      const text = await metricsText();
      expect(text).toContain('linkgrant_responses_total{operation="redeem",outcome="code_wrong"}');
      expectNoSecret(text, run);
    }
  });

  it('are in no response except that of a redemption', () => {
    for (const answer of run.answers.filter(({ status }) => status !== 200)) {
      expectNoSecret(JSON.stringify(answer), run);
    }
    const checks = run.answers.filter(({ headers }) => headers['content-type'] === 'application/json');
    expect(checks.length).toBeGreaterThan(0);
    for (const check of checks) expectNoSecret(JSON.stringify(check), run);
  });

  it('are in no file of the database as plain text', () => {
    const files = readdirSync(service.directory).filter((name) => name.startsWith('linkgrant.db'));
    expect(files).toContain('linkgrant.db');
    for (const name of files) expectNoSecret(readFileSync(join(service.directory, name), 'latin1'), run);
  });
});

it('the log contains grant, id, name, subject, address and duration of each redemption', () => {
  const redeemed = service.logged('redeemed');
  expect(redeemed.length).toBeGreaterThan(0);
  for (const line of redeemed) {
    expect(line).toMatchObject({
      grant: expect.stringMatching(/^[-0-9a-f]{36}$/),
      redemption: expect.stringMatching(/^[-0-9a-f]{36}$/),
      name: expect.any(String),
      subject: expect.any(String),
      peer: '127.0.0.1',
      ms: expect.any(Number),
    });
  }
});
