import { startDriver } from './driver-process.mjs';
import { RequestSource } from './requests.mjs';
import { withService } from './servers.mjs';
import { notServed } from './statistics.mjs';

const ATTACK = { perSecond: 300, clients: 50, from: '127.0.0.66' };
const HONEST = { perSecond: 20, clients: 8, from: '127.0.0.2' };
const ATTACKED_S = 60;
const ALONE_S = 30;
const WARM_UP = 1_000;

const wrongCode = ({ uid }) =>
  `POST /${uid} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 24\r\n\r\n${'x'.repeat(24)}`;

/**
 * Compares the times of an honest client alone and during an attack: another address posts 300 wrong codes a second on 50
 * connections for a minute.
 */
export const measureAttacker = ({ driver }) =>
  withService(({ service, grants, ca }) => measure(driver, service, grants, ca));

async function measure(driver, service, grants, ca) {
  const attacker = await startDriver();
  try {
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
      notServed: notServed(attacked),
      aloneP50Ms: (before.p50Ms + after.p50Ms) / 2,
      attackedP50Ms: attacked.p50Ms,
      aloneP99Ms,
      attackedP99Ms: attacked.p99Ms,
      attackedP99Ratio: attacked.p99Ms / aloneP99Ms,
    };
  } finally {
    attacker.stop();
  }
}
