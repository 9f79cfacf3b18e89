import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { challengeOf } from '../../src/codes/signed-code.js';
import { expectSuccess, json, linkgrant, type RunOptions } from '../support/command-line.js';
import { identityIssuer, identityToken, writeJwks } from '../support/identity-issuer.js';
import { csrHeader, newKey } from '../support/redeemed-answer.js';
import { directoryForFile } from '../support/release.js';
import { type RedeemingSite, redeemAsSite } from '../support/sites/redeeming-sites.js';
import { eventually } from '../support/until.js';
import type { Target } from '../support/wire.js';

const CLIENTS = 100;
/** A process of the service is killed when so many clients have an answer. */
const ANSWERS_BEFORE_KILL = 10;
const MISMATCH = expect.stringMatching(/^403: Token is bound to a key: /);

const issuer = identityIssuer();
const keys = writeJwks(`${directoryForFile()}/jwks.json`, issuer);

/** Flags of a service that accepts the identities of the provider "east". */
export const IDENTITIES: readonly string[] = [
  '--identities',
  JSON.stringify({ east: { issuer: issuer.iss, keys } }),
];

/** A service of several processes. */
export interface KilledService {
  /** Returns the PEM of the CA of its certificates for servers. */
  readonly ca: () => string;
  /** Flags of commands for its store, and their environment. */
  readonly place: readonly string[];
  /** True if the store is in a cluster: its counts are written after a redemption, and its ledger has no chain. */
  readonly isCluster?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Port of one of its processes. */
  port(): number;
  /** Kills one process (SIGKILL). Resolves when another one has replaced it. */
  kill(): Promise<unknown>;
}

/** Returns the PEM of the CA of the certificates for servers of a service with this data directory. */
export const serverCaOf = (dataDir: string): string =>
  readFileSync(`${dataDir}/issuers/linkgrant-server-ca/tls.crt`, 'utf8');

const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make);

/**
 * Redeems for all sites at once, and kills a process of the service meanwhile. Returns the serial number of the certificate of
 * each site, undefined for a 404, and the status and text of another refusal.
 */
async function redeemAtOnce(
  sites: readonly RedeemingSite[],
  target: () => Target,
  service: KilledService,
): Promise<(string | undefined)[]> {
  let answered = 0;
  let killed: Promise<unknown> | undefined;
  const outcomes = await Promise.all(
    sites.map(async (site) => {
      const outcome = await redeemAsSite(site, target).catch(({ message }: Error) => message);
      answered += 1;
      if (answered === ANSWERS_BEFORE_KILL) killed = service.kill();
      return outcome;
    }),
  );
  expect(killed).toBeDefined();
  await killed;
  return outcomes;
}

/** Tests that a service counts uses exactly when many clients redeem at once and one of its processes is killed meanwhile. */
export function countsUsesExactly(service: KilledService): void {
  const run = async (words: readonly string[], options: RunOptions = {}) =>
    expectSuccess(
      await linkgrant([...words, ...service.place], {
        ...options,
        ...(service.env && { env: service.env }),
      }),
    );
  const report = async (...words: readonly string[]) => json(await run([...words, '-o', 'json']));
  const target = (): Target => ({ port: service.port(), ca: service.ca() });

  /** Expects that the store has counted these certificates of a grant and its only code, and no other use. */
  async function expectCounted(grant: string, serials: readonly string[]): Promise<void> {
    if (!service.isCluster) await run(['ledger', 'verify']);
    const counted = { redemptions: serials.length };
    await eventually(async () => expect(await report('grant', 'show', grant)).toMatchObject(counted));
    await eventually(async () =>
      expect(await report('token', 'list', '--grant', grant)).toMatchObject([counted]),
    );
    const recorded = await report('redemption', 'list', '--grant', grant);
    const withoutZeros = (serial: string) => serial.toLowerCase().replace(/^0+/, '');
    expect(recorded.map(({ serial }: { serial: string }) => withoutZeros(serial)).sort()).toEqual(
      serials.map(withoutZeros).sort(),
    );
  }

  it.each([
    [1, []],
    [60, ['--identity-uses', '60']],
  ])(
    'an identity with 100 keys at once gets as many certificates as it has uses (%i), each of them again',
    async (uses, limit) => {
      const name = `identity-${uses}`;
      const limits = ['--identities', 'east:*', '--redemptions-allowed', '1000', ...limit];
      await run(['grant', 'create', name, ...limits]);
      const { uid, url } = await report('grant', 'show', name);
      const claims = () => ({ sub: name, aud: new URL(url).origin, now: Date.now() });
      const sites: RedeemingSite[] = times(CLIENTS, () => ({
        ...{ uid, code: identityToken(issuer, claims()), csr: csrHeader().csr },
      }));

      const first = await redeemAtOnce(sites, target, service);
      const serials = first.filter((outcome) => outcome !== undefined);
      expect(new Set(serials).size).toBe(uses);
      expect(serials).toHaveLength(uses);
      await expectCounted(name, serials);
      expect(await Promise.all(sites.map((site) => redeemAsSite(site, target)))).toEqual(first);
      await expectCounted(name, serials);
    },
  );

  it('a bound token issues one certificate to 100 clients with its key at once, and none to 100 with other keys', async () => {
    const key = newKey();
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${csrHeader(key).csr}\n-----END CERTIFICATE REQUEST-----\n`;
    // The grant has more uses than the token.
    await run(['grant', 'create', 'bound', '--redemptions-allowed', '1000']);
    const issue = ['token', 'issue', '-', '--grant', 'bound', '--subject', 'west', '--request', '-'];
    const { url, code } = parse((await run(issue, { input: pem })).stdout).spec;
    const uid = new URL(url).pathname.slice(1);
    const siteOf = (owned = newKey()): RedeemingSite => ({
      ...{ uid, code, csr: csrHeader(owned, challengeOf(code)).csr },
    });
    const copied = siteOf(key);
    // Half of the clients send copies of one request, the others requests of their own for the same key.
    const owners = [...times(CLIENTS / 2, () => copied), ...times(CLIENTS / 2, () => siteOf(key))];
    const strangers = times(CLIENTS, () => siteOf());
    const sites = owners.flatMap((owner, index) => [owner, strangers[index] as RedeemingSite]);

    const first = await redeemAtOnce(sites, target, service);
    const [serial = ''] = first;
    expect(serial).toMatch(/^[0-9A-F]+$/);
    expect(first).toEqual(times(CLIENTS, () => [serial, MISMATCH]).flat());
    await expectCounted('bound', [serial]);
    expect(await redeemAsSite(copied, target)).toBe(serial);
    expect(await redeemAsSite(siteOf(key), target)).toBe(serial);
    await expectCounted('bound', [serial]);
  });
}
