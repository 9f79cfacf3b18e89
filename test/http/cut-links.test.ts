import { describe, expect, it } from 'vitest';
import { issueSiteCertificate, SITE_CA } from '../../src/compose/site-issuer.js';
import { loadConfiguration } from '../../src/config/config.js';
import { ISSUER_CHECK_INTERVAL_MS } from '../../src/platforms/standalone/site.js';
import { run } from '../chaos/commands.js';
import { expectSuccess, linkgrant } from '../support/command-line.js';
import { allLinked, dialEach, trustedCas } from '../support/links/dialled-pairs.js';
import { startOpensslRouter } from '../support/links/openssl-router.js';
import { type LinkPair, redeemLink, renewTestLink } from '../support/links/test-link.js';
import { releaseAfterFile } from '../support/release.js';
import { MINUTE, startTestService } from '../support/service.js';
import { OpenSsl } from '../unit/pki/openssl.js';

const LINKS = 50;
const openssl = releaseAfterFile(new OpenSsl());
const service = releaseAfterFile(await startTestService());

const renew = (pair: LinkPair) => renewTestLink(pair, service);

const certificateOfRouter = () =>
  issueSiteCertificate(
    loadConfiguration({ dataDir: service.directory }, {}).settings,
    { issuer: SITE_CA, hosts: ['127.0.0.1', 'skupper-router.bench.example.com'] },
    service.clock.read(),
  );

describe('redemption revoke --cut', () => {
  it(`disconnects one link, and none of ${LINKS - 1} others is disconnected at any step`, async () => {
    const pairs: LinkPair[] = [];
    for (let n = 0; n < LINKS; n++) pairs.push(await redeemLink(service));
    const [revoked, ...before] = pairs as [LinkPair, ...LinkPair[]];
    let others = before;
    let identity = await certificateOfRouter();
    let trusted = await trustedCas(service);
    const expectLinks = async () => {
      expect(await dialEach(openssl, [...others, revoked], identity, trusted)).toEqual(allLinked(pairs));
    };
    const cut = (...words: readonly string[]) => [
      ...['redemption', 'revoke', revoked.id, '--data-dir', service.directory],
      ...['--cut', ...words],
    ];
    const step = async (number: number, ...words: readonly string[]) => {
      // The steps run two minutes ahead, so that the run `soon` below, at the real time, is too early to remove the old CA.
      const ended = expectSuccess(await run(cut(...words), { clockOffsetMs: 2 * MINUTE }));
      expect(ended.stdout).toContain(`Step ${number} of 6: `);
      service.clock.advance(ISSUER_CHECK_INTERVAL_MS);
      return ended.stdout;
    };

    await step(1);
    trusted = await trustedCas(service);
    await expectLinks();
    const behind = await step(3, '--continue', '1');
    for (const { id } of others) expect(behind).toContain(id);
    expect(behind).toContain(`would be cut off too: ${LINKS - 1}\n`);
    others = await Promise.all(others.map(renew));
    // The command sees that all links have renewed.
    await step(4);
    await expectLinks();
    await step(5, '--continue', '4');
    identity = await certificateOfRouter();
    await expectLinks();
    const last = await step(6, '--continue', '5');

    const [, files = ''] = /`cat (\S+)`/.exec(last) ?? [];
    trusted = openssl.run(['x509', '-in', files]).toString();
    const verdicts = await dialEach(openssl, [revoked, ...others], identity, trusted);
    expect(verdicts[0]).not.toBe('linked');
    expect(verdicts.slice(1)).toEqual(allLinked(others));
    const soon = await linkgrant(cut('--continue', '6'));
    expect([soon.code, soon.stderr]).toEqual([
      4,
      expect.stringContaining('other processes of the service may still sign with it'),
    ]);
    const router = await startOpensslRouter(identity, { clientCa: trusted });
    const connectTo = ['--connect-to', `::127.0.0.1:${router.port}`];
    const ended = await run(cut('--continue', '6', ...connectTo), { clockOffsetMs: 4 * MINUTE }).finally(
      router.close,
    );
    expect(ended.stdout, ended.stderr).toMatch(/^Cut off: /m);
    expect(ended.stdout.match(/^ {2}\S+ {2}refused: /gm)).toHaveLength(2);
    expect(await trustedCas(service)).toBe(trusted);
    expect((await renew(others[0] as LinkPair)).ca).toBe(trusted);
    expect((await redeemLink(service)).ca).toBe(trusted);
  });
});
