import { startDriver } from './driver-process.mjs';
import { makeGrants, RequestSource } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';

const ATTACK = { perSecond: 300, clients: 50, from: '127.0.0.66' };
const HONEST = { perSecond: 20, clients: 8, from: '127.0.0.2' };
const ATTACKED_S = 60;
const ALONE_S = 30;
const WARM_UP = 1_000;

const wrongCode = ({ uid }) =>
  `POST /${uid} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 24\r\n\r\n${'x'.repeat(24)}`;

/**
 * One address posts 300 wrong codes a second on 50 connections for a minute, another one redeems meanwhile, and before and
 * after; gives the p99 of the honest one with and without.
 */
export async function measureAttacker({ driver }) {
  const { directory, remove } = temporaryDirectory();
  const service = await startService(directory);
  const attacker = await startDriver();
  try {
    const { grants, ca } = await makeGrants(directory);
    const source = new RequestSource(grants, 'csr');
    const to = { port: service.port, ca };
    const redeem = async (seconds) =>
      driver.run({ ...to, ...HONEST, requests: await source.take(HONEST.perSecond * seconds) });
    await driver.run({ ...to, clients: 8, requests: await source.take(WARM_UP) });
    const before = await redeem(ALONE_S);
    const guesses = Array.from({ length: ATTACK.perSecond * ATTACKED_S }, (_, at) =>
      wrongCode(grants[at % grants.length]),
    );
    const requests = await source.take(HONEST.perSecond * ATTACKED_S);
    const [attack, attacked] = await Promise.all([
      attacker.run({ ...to, ...ATTACK, requests: guesses }),
      driver.run({ ...to, ...HONEST, requests }),
    ]);
    const after = await redeem(ALONE_S);
    const aloneP99Ms = (before.p99Ms + after.p99Ms) / 2;
    return {
      attackPerSecond: attack.perSecond,
      attackOutcomes: attack.outcomes,
      notServed: requests.length - (attacked.outcomes['200'] ?? 0),
      aloneP50Ms: (before.p50Ms + after.p50Ms) / 2,
      attackedP50Ms: attacked.p50Ms,
      aloneP99Ms,
      attackedP99Ms: attacked.p99Ms,
      attackedP99Ratio: attacked.p99Ms / aloneP99Ms,
    };
  } finally {
    attacker.stop();
    await service.stop();
    remove();
  }
}
