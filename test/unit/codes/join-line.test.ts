import { describe, expect, it } from 'vitest';
import { newCodeId } from '../../../src/codes/code-id.js';
import { decodeJoinLine, encodeJoinLine, type JoinLine } from '../../../src/codes/join-line.js';
import { mintCode } from '../../../src/codes/opaque-code.js';
import { mintSignedCode, type SignedCode } from '../../../src/codes/signed-code.js';
import { createMasterKey, grantSigningKey } from '../../../src/codes/signing-keys.js';
import { encodeWord } from '../../../src/codes/word.js';
import { createChance } from '../../fuzz/chance.mjs';

const UID = '0b9d3e3a-7a9a-4a3c-9b1e-6a5a5b1c2d3e';
const LINE: JoinLine = {
  name: 'to-hub',
  url: `https://grants.ex.org:9090/${UID}`,
  code: mintCode(),
  ca: { pin: '00ff'.repeat(8) },
};

const encoded = (line: Partial<JoinLine> = {}) => encodeJoinLine({ ...LINE, ...line }) as string;

/** Returns `text` with one change that a mail program or a person can make. */
function mutate(text: string, random: ReturnType<typeof createChance>): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(8));
  const [before, cut, after] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
  const other = random.pick([...'0Oo1lIABCxyz_-.+/= ']);
  return random.pick([
    () => before,
    () => text.slice(at),
    () => before + after,
    () => before + other + text.slice(at),
    () => before + other + text.slice(at + 1),
    () => before + cut + cut + after,
    () => before + [...cut].reverse().join('') + after,
    () => before + cut.toUpperCase() + after,
    () => before + cut.toLowerCase() + after,
    () => text.toUpperCase(),
    () => `${before}\n${text.slice(at)}`,
    () => `${before}=\r\n${text.slice(at)}`,
    () => `${before}\u00ad${text.slice(at)}`,
    () => text.replace(/.{40}/g, `$&\n${random.pick(['', '> ', '\t', '| '])}`),
    () => `<${text}>`,
    () => `Paste this: “${text}”.`,
    () => `${text}\n-- \nRegards`,
    () => text.replace('_', '\\_'),
  ])();
}

const REPLACES = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const KEY = 'c0ffee00'.repeat(8);

/** Signs a code of the grant of {@link LINE} for one use within a week. */
function signedCode(changes: Partial<SignedCode> = {}, masterKey = createMasterKey()): Promise<string> {
  const { keySha256, replaces } = changes;
  const code = { jti: newCodeId(keySha256, replaces), grantUid: UID, uses: 1, issuedAt: 1_790_000_000_000 };
  const week = { expirationTime: code.issuedAt + 604_800_000 };
  return mintSignedCode({ ...code, ...week, ...changes }, grantSigningKey(masterKey, UID));
}

describe('a join line of a signed token', () => {
  it.each<[string, Partial<SignedCode>, number]>([
    ['for any subject', {}, 220],
    ['for one subject', { subject: 'berlin' }, 220],
    ['for a million uses', { uses: 1_000_000, subject: 'päß "quoted", \\ 日本' }, 245],
    ['bound to a key', { subject: 'berlin', keySha256: KEY }, 250],
    ['that replaces a redemption', { subject: 'berlin', replaces: REPLACES }, 230],
    ['for both', { subject: 'berlin', keySha256: KEY, replaces: REPLACES }, 270],
  ])('%s contains what the code is made from', async (_what, changes, maximum) => {
    const code = await signedCode(changes);
    const line = encoded({ code });
    expect(decodeJoinLine(line)).toEqual({ ...LINE, code });
    expect(line.length).toBeLessThanOrEqual(maximum);
  });

  it.each<[string, () => Promise<string>]>([
    ['of another grant', () => signedCode({ grantUid: REPLACES })],
    [
      'with another id than linkgrant gives',
      () => signedCode({ jti: 'key-is-hidden', subject: 'x', keySha256: KEY }),
    ],
    ['with a key id of another form', () => signedCode({}, { ...createMasterKey(), kid: 'päß\0x' })],
    [
      'that was signed by another program',
      async () =>
        (await signedCode()).replace(
          /^eyJ[^.]+/,
          'eyJhbGciOiJIUzI1NiIsInR5cCI6ImxpbmtncmFudC1jb2RlK2p3dCIsImtpZCI6ImsiLCJ4IjoxfQ',
        ),
    ],
  ])('%s contains the text of the code', async (_what, sign) => {
    const code = await sign();
    expect(decodeJoinLine(encoded({ code }))).toEqual({ ...LINE, code });
  });

  it('is refused as that of a newer version if the packed code has an unknown flag', async () => {
    const content = Buffer.concat([Buffer.of(0x86), Buffer.alloc(16), Buffer.from('h\0n\0\0'), Buffer.of(4)]);
    expect(decodeJoinLine(encodeWord('lgj1_', content) as string)).toContain('newer version');
  });

  it('decodes what another program has packed, without an exception', () => {
    const random = createChance(21);
    for (let round = 0; round < 2_000; round += 1) {
      const content = Buffer.from(Array.from({ length: 1 + random.below(120) }, () => random.below(256)));
      content[0] = 0x80 | random.below(8);
      const line = encodeWord('lgj1_', content) as string;
      const decoded = decodeJoinLine(line);
      expect(typeof decoded === 'string' || typeof decoded.code === 'string', line).toBe(true);
    }
  });
});

describe('a join line', () => {
  it.each<Partial<JoinLine>>([
    {},
    { linkCost: 7 },
    { ca: undefined },
    { url: 'https://[2001:db8::1]/prefix/site-a/hub?x=1' },
    { url: `https://h/${UID}/${UID}` },
    { url: `https://h/${UID.toUpperCase()}` },
    { code: `eyJ${'Aa0_-.'.repeat(100)}` },
    { code: 'päß\0code with spaces' },
    { name: 'a'.repeat(253) },
  ])('is decoded to what was encoded: %j', (changes) => {
    expect(decodeJoinLine(encoded(changes))).toEqual({ ...LINE, ...changes });
  });

  it('has at most 160 characters for a URL of 60 characters, with a uid at its end or without', () => {
    const host = `https://${'h'.repeat(60 - 8 - 37)}`;
    const withUid = encoded({ url: `${host}/${UID}`, name: 'a-site-in-berlin' });
    const byName = encoded({ url: `https://${'h'.repeat(52)}`, name: 'to-hub-berli' });
    expect(Math.max(withUid.length, byName.length)).toBeLessThanOrEqual(160);
  });

  it('is one word of letters and digits after its prefix', () => {
    expect(encoded()).toMatch(/^lgj1_[0-9A-Za-z]{100,}$/);
  });

  it('cannot be encoded with a code that is too long', () => {
    expect(encodeJoinLine({ ...LINE, code: 'x'.repeat(3000) })).toBeUndefined();
  });

  it.each([
    ['wrapped', (line: string) => line.replace(/.{20}/g, '$&\r\n')],
    ['quoted in a reply', (line: string) => `> Hello,\n> ${line.replace(/.{60}/g, '$&\n> ')}\n> Regards`],
    ['in quoted-printable', (line: string) => line.replace(/.{72}/g, '$&=\r\n')],
    ['hyphenated, with soft hyphens', (line: string) => line.replace(/.{9}/g, '$&-\u00ad\n')],
    ['in brackets, before a full stop', (line: string) => `(<"${line}">).`],
    ['escaped as Markdown', (line: string) => `**${line.replace('_', '\\_')}**`],
    ['after a command', (line: string) => `$ linkgrant join ${line}\n`],
    ['before further letters', (line: string) => `${line}\nRegards`],
  ])('is read when it is %s', (_how, change) => {
    expect(decodeJoinLine(change(encoded()))).toEqual(LINE);
  });

  it.each([
    ['nothing', () => '', 'does not contain lgj1_'],
    ['another text', () => 'kind: AccessToken', 'does not contain lgj1_'],
    ['the prefix alone', () => 'lgj1_', 'cut off'],
    ['a line without its end', (line: string) => line.slice(0, -1), 'cut off'],
    ['a line in upper case', (line: string) => line.toUpperCase(), 'upper and lower case'],
    [
      'a mistyped line',
      (line: string) => line.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      'checksum',
    ],
    [
      'a line without a character, before further ones',
      (line: string) => `${line.slice(0, -9)}${line.slice(-8)} x`,
      'checksum',
    ],
  ])('refuses %s with the cause', (_what, change, cause) => {
    expect(decodeJoinLine(change(encoded()))).toContain(cause);
  });

  it('decodes 10,000 mutated lines to the same token, or refuses them', () => {
    const random = createChance(20);
    const outcomes = { same: 0, refused: 0 };
    for (let round = 0; round < 10_000; round += 1) {
      const line = encoded({ code: mintCode() });
      let text = line;
      for (let changes = 1 + random.below(3); changes > 0; changes -= 1) text = mutate(text, random);
      const decoded = decodeJoinLine(text);
      if (typeof decoded === 'string') outcomes.refused += 1;
      else {
        expect(decoded, text).toEqual(decodeJoinLine(line));
        outcomes.same += 1;
      }
    }
    expect(outcomes.same).toBeGreaterThan(1_000);
    expect(outcomes.refused).toBeGreaterThan(1_000);
  });
});
