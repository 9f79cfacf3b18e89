import { expect, it } from 'vitest';
import { DAY_MS } from '../../../../src/domain/duration.js';
import { formatTime } from '../../../../src/domain/rfc3339.js';
import {
  lifeOfLink,
  remainingText,
  remainingWords,
} from '../../../../src/redemption/administration/remaining.js';

const NOW = Date.parse('2031-03-04T05:06:07Z');
const OLD_CA = 'aa';
const NEW_CA = 'bb';
const inDays = (days: number) => NOW + days * DAY_MS;
const link = (days: number, revokedAt: number | null = null) => {
  return { issuer: null, revokedAt, notAfter: inDays(days), issuerSha256: OLD_CA };
};
const renewal = (days: number) => ({ notAfter: inDays(days), issuerSha256: NEW_CA });

it('a link whose renewal ends before its first certificate can connect until the first one ends', () => {
  const life = lifeOfLink(link(1_800), renewal(30));
  expect(remainingText(life, NOW)).toBe(
    `connect until ${formatTime(inDays(1_800))}, and be renewed until ${formatTime(inDays(37))}`,
  );
  expect(remainingText(life, NOW, 'policy_source')).toBe(
    `connect until ${formatTime(inDays(1_800))}, and be renewed until ${formatTime(inDays(37))}, unless the rules of its grant refuse it, as they do now (policy_source)`,
  );
  expect(remainingWords(life, inDays(40))).toBe('connect');
  expect(remainingText(life, inDays(40))).toBe(
    `connect until ${formatTime(inDays(1_800))}, and cannot be renewed`,
  );
  expect(remainingText(lifeOfLink(link(1_800, NOW), renewal(30)), NOW)).toContain(
    `connect until ${formatTime(inDays(1_800))}, because`,
  );
});

it.each([
  ['both CAs', () => true, '-', 'still trusts its retired CA'],
  [
    'the CA of the first certificate',
    (_: unknown, { issuerSha256 }: { issuerSha256: string }) => issuerSha256 === OLD_CA,
    'connect',
    `connect until ${formatTime(inDays(30))},`,
  ],
  ['no CA', () => false, 'connect', `connect until ${formatTime(inDays(1_800))},`],
])('a revoked link of which %s is retired', (_which, isCaRetired, words, text) => {
  const life = lifeOfLink(link(1_800, NOW), renewal(30), isCaRetired);
  expect(remainingWords(life, NOW)).toBe(words);
  expect(remainingText(life, NOW)).toContain(text);
});
