import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../../support/command-line.js';
import { NOW } from '../../support/store-samples.js';
import { B, openSampleLedger } from '../ledger/sample-ledger.js';

const { first, list, second, third } = await openSampleLedger();

describe('redemption list', () => {
  const printed = async (...words: readonly string[]) => {
    const ended = await list(...words);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    return ended.stdout;
  };
  const subjects = async (...words: readonly string[]) =>
    (JSON.parse(await printed('-o', 'json', ...words)) as { subject: string }[]).map(
      ({ subject }) => subject,
    );

  it('filters by time, by grant name or uid, and by a subject pattern', async () => {
    expect(await subjects()).toEqual([first.subject, second.subject, third.subject]);
    expect(await subjects('--since', new Date(NOW + 3).toISOString())).toEqual(['site-3']);
    expect(await subjects('--since', '2031-03-04')).toHaveLength(3);
    expect(await subjects('--since', '2031-03-05')).toEqual([]);
    expect(await subjects('--grant', 'a')).toEqual([first.subject, second.subject]);
    expect(await subjects('--grant', B, '--since', '2031-03-04')).toEqual(['site-3']);
    expect(await subjects('--subject', 'site-?')).toEqual(['site-1', 'site-3']);
    expect(await subjects('--subject', 'SITE-?')).toEqual(['site-1', 'site-3']);
    expect(await subjects('--search', 'E-3')).toEqual(['site-3']);
    expect(await subjects('--search', third.certificateSha256.slice(0, 12))).toEqual(['site-3']);
    const wrong = expectRefusal(await list('--since', 'yesterday'), 2);
    expect(wrong.error).toContain('--since cannot be "yesterday"');
  });

  it('filters by namespace, by the state of links, and by the CA of the newest certificate', async () => {
    expect(await subjects('--namespace', 'west')).toEqual([]);
    expect(await printed('--subject', 'nobody-*')).toBe('No redemption matches.\n');
    expect(await subjects('--namespace', 'default', '--state', 'revoked')).toEqual([second.subject]);
    expect(await subjects('--state', 'valid')).toEqual([first.subject, third.subject]);
    expect(await subjects('--overdue')).toEqual([]);
    expect(await subjects('--signed-by', third.issuerSha256)).toEqual([third.subject]);
    // The first was renewed by another CA, the second is revoked.
    expect(await subjects('--signed-by', first.issuerSha256)).toEqual([]);
    expect(await subjects('--signed-by', second.issuerSha256)).toEqual([]);
    // The form in which openssl prints a fingerprint.
    const withColons = third.issuerSha256.toUpperCase().replace(/..(?=.)/g, '$&:');
    expect(await subjects('--signed-by', withColons)).toEqual([third.subject]);
  });

  it('lists the links that expire within a duration or before a time, the soonest first', async () => {
    expect(await subjects('--expires-within', '2031-06-01')).toEqual([third.subject, first.subject]);
    expect(await subjects('--expires-within', '2031-04-10')).toEqual([third.subject]);
    expect(await subjects('--expires-within', '5000d')).toEqual([third.subject, first.subject]);
    expect(await subjects('--expires-within', '5000d', '--sort-by', 'subject')).toEqual([
      first.subject,
      third.subject,
    ]);
    expect(await printed('--expires-within', '1m')).toBe('No redemption matches.\n');
    const wrong = expectRefusal(await list('--expires-within', 'soon'), 2);
    expect(wrong.error).toContain('--expires-within cannot be "soon"');
  });

  it('accepts the first 16 digits of the SHA-256 of a CA, as `issuer list` prints them, and refuses fewer', async () => {
    expect(await subjects('--signed-by', third.issuerSha256.slice(0, 16))).toEqual([third.subject]);
    const cutOff = third.issuerSha256.slice(0, 15);
    const ended = await list('--signed-by', cutOff);
    expect(ended.stdout).toBe('');
    expect(expectRefusal(ended, 2)).toEqual({
      error: `--signed-by cannot be "${cutOff}"`,
      hint: expect.stringContaining('`linkgrant issuer list '),
    });
  });

  it('writes CSV that a spreadsheet reads as text, quoted where needed', async () => {
    const lines = (await printed('-o', 'csv')).split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^id,grant,grantUid,createdAt,mode,name,subject,peer,jti,serial,/);
    expect(lines[2]).toContain(`,"'=cmd|x, ""y""",192.0.2.7,j2,${second.serial},`);
    expect(lines[4]).toBe('');
  });
});
