import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../src/domain/access-token-resource.js';
import { linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { startIssuingServer } from '../support/issuing-server.js';
import { copySite } from '../support/system-site.js';

const place = new Workplace();
afterAll(() => place.remove());

const data = ['--data-dir', place.path('data')];
const to = ['--to', place.path('links')];

describe('an input without an end', () => {
  it.each([
    ['a token to redeem', ['token', 'redeem', '/dev/zero', ...to, ...data], 1],
    ['a token to look at', ['token', 'inspect', '/dev/zero'], 1],
    ['a token of a bootstrap', ['bootstrap', '--token', '/dev/zero', ...to, ...data], 1],
    ["a proxy's Secret", ['token', 'redeem', '-', '--proxy-secret', '/dev/zero', ...to, ...data], 2],
  ])('is refused after 1 MiB: %s', async (_what, words, code) => {
    const ended = await linkgrant(words);
    expect(ended.code).toBe(code);
    expect(refusalOf(ended).error).toContain('it is longer than 1 MiB');
  });

  it('is refused on standard input too', async () => {
    const ended = await linkgrant(['token', 'redeem', '-', ...to, ...data], {
      input: ' '.repeat(2 ** 20 + 1),
    });
    expect(ended.code).toBe(1);
    expect(refusalOf(ended).error).toBe('the token file cannot be read: it is longer than 1 MiB');
  });

  it('in the input directory of a site keeps no other token from being redeemed', async () => {
    const service = await startIssuingServer('linkgrant');
    const east = copySite('east', place.path('skupper'), 'east');
    const file = east.path('input/resources/AccessToken-endless.yaml');
    symlinkSync('/dev/zero', file);
    writeFileSync(east.path('input/resources/AccessToken-good.yaml'), encodeAccessToken(service.token));
    const words = ['--platform', 'linux', '-n', 'east', '--skupper-home', east.home, ...data];
    const ended = await linkgrant(['token', 'redeem', '--input', ...words], { env: { PATH: '/nowhere' } });
    await service.close();
    expect(ended.code).toBe(3);
    const error = `${file}: The token file cannot be read: it is longer than 1 MiB`;
    expect(refusalOf(ended).error).toContain(error);
    expect(readFileSync(east.path('input/resources/Link-my-link.yaml'), 'utf8')).toContain('my-link');
    expect(existsSync(east.path('input/resources/AccessToken-good.yaml'))).toBe(false);
  });
});

describe('a symbolic link that leads nowhere', () => {
  it.each([
    ['itself', 'dangling'],
    ['on the way', 'dangling/below/it'],
  ])('as the directory for a link is called so: %s', async (_where, path) => {
    rmSync(place.path('dangling'), { force: true });
    symlinkSync(place.path('nowhere'), place.path('dangling'));
    const service = await startIssuingServer('linkgrant');
    const ended = await linkgrant(['token', 'redeem', '-', '--to', place.path(path), ...data], {
      input: encodeAccessToken(service.token),
    });
    await service.close();
    expect(ended.code).toBe(1);
    expect(refusalOf(ended).error).toContain(
      `${place.path('dangling')} is a symbolic link to a place that is not there`,
    );
    expect(service.seen).toEqual([]);
  });
});
