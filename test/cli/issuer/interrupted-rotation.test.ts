import { existsSync, readdirSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { ENDPOINT, expectSuccess, linkgrant, startLinkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';

const work = releaseAfterFile(new Workplace());

/** Runs a command, and kills it when `isReached` returns true, unless it has ended before. */
async function killWhen(words: readonly string[], isReached: () => boolean): Promise<void> {
  const { child, ended } = startLinkgrant(words);
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  await vi.waitFor(() => expect(hasEnded || isReached()).toBe(true), { timeout: 60_000, interval: 5 });
  child.kill('SIGKILL');
  await ended;
}

it.each(['linkgrant-server-ca', 'skupper-site-ca'])(
  'a rotation of %s goes on after its commands were killed, although no service runs',
  async (issuer) => {
    const on = ['--data-dir', work.path(issuer)];
    const command = (verb: string, ...words: readonly string[]) => ['issuer', verb, issuer, ...words, ...on];
    const place = work.path(issuer, 'issuers', issuer);
    const oldCas = () => readdirSync(`${place}/trusted`).filter((name) => name.endsWith('.crt'));
    await work.serveOnce([...on, ...ENDPOINT]);
    expectSuccess(await linkgrant(command('prepare')));
    await killWhen(command('activate'), () => !existsSync(`${place}/next`));
    expect(oldCas()).toHaveLength(1);
    await killWhen(command('retire', '--force'), () => oldCas().length === 0);
    expect(oldCas()).toHaveLength(0);

    expectSuccess(await linkgrant(['issuer', 'list', ...on]));
    expectSuccess(await linkgrant(command('retire', '--force')));
    expectSuccess(await linkgrant(command('prepare')));
    expectSuccess(await linkgrant(command('activate')));
  },
);
