import { expect, it } from 'vitest';
import {
  CLOSES,
  countHandledRequests,
  ROUNDS,
  redeemAfterDisconnect,
  singleUseTokens,
} from '../support/abandoned-requests.js';
import { ENDPOINT, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';

const SETUPS = [
  ['one process', [], {}],
  ['two workers', ['--workers', '2'], {}],
  ['a trusted proxy', ['--trusted-proxy', '127.0.0.1/32'], { 'x-forwarded-for': '203.0.113.9' }],
] as const;

const place = releaseAfterFile(new Workplace());

it.each(SETUPS.flatMap((setup) => CLOSES.map((close) => [close, ...setup] as const)))(
  'a client that disconnects (%s, service with %s) gets its certificate when it repeats the request',
  async (close, setup, flags, headers) => {
    const name = `${setup} ${close}`.replaceAll(' ', '-');
    const words = ['--data-dir', place.path(name)];
    const service = await place.serve([...words, ...ENDPOINT, ...flags]);
    const tokens = await singleUseTokens(ROUNDS, place.path(`${name}-tokens`), words);
    expect(await redeemAfterDisconnect(service, tokens, close, headers)).toEqual(tokens.map(() => 200));
    await service.stop();
    expect(countHandledRequests(service.said)).toBeGreaterThan(0);
  },
  240_000 + ROUNDS * 5_000,
);
