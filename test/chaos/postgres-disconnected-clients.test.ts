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
import { createTestDatabase } from '../support/stores/postgres-server.js';

const database = releaseAfterFile(await createTestDatabase());
// The services end before the database is dropped: the latest resource is released first.
const place = releaseAfterFile(new Workplace());

it.each(CLOSES)(
  'a client of a service on PostgreSQL that disconnects (%s) gets its certificate when it repeats the request',
  async (close) => {
    const name = close.replaceAll(' ', '-');
    const words = ['--data-dir', place.path('data'), '--store', database.url];
    const options = { env: { PGPASSWORD: database.password } };
    const service = await place.serve([...words, ...ENDPOINT], options);
    const tokens = await singleUseTokens(ROUNDS, place.path(name), words, options);
    expect(await redeemAfterDisconnect(service, tokens, close)).toEqual(tokens.map(() => 200));
    await service.stop();
    expect(countHandledRequests(service.said)).toBeGreaterThan(0);
  },
  240_000 + ROUNDS * 5_000,
);
