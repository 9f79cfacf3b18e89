import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../../support/command-line.js';
import { NOW } from '../../support/store-samples.js';
import { B, openSampleLedger } from './sample-ledger.js';

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
    const wrong = expectRefusal(await list('--events', '--overdue'), 2);
    expect(wrong.error).toBe('entries of the ledger have no labels and no state');
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

  it('prints every entry and the counted refusals, in each format', async () => {
    const events = JSON.parse(await printed('--events', '-o', 'json')) as Record<string, unknown>[];
    expect(events.map(({ grant, seq, kind, count }) => [grant, seq, kind, count])).toEqual([
      [undefined, 1, 'setting_changed', undefined],
      ['c', 3, 'changed', undefined],
      ['c', 2, 'code_recorded', undefined],
      ['b', undefined, 'refused', 2],
      ['b', undefined, 'refused', 1],
      ['a', 9, 'code_revoked', undefined],
      ['a', 8, 'code_recorded', undefined],
      ['b', 3, 'grant_revoked', undefined],
      ['a', 7, 'revoked', undefined],
      ['a', undefined, 'replayed', 1],
      ['a', 6, 'replayed', undefined],
      ['a', 5, 'renewed', undefined],
      ['b', 2, 'redeemed', undefined],
      ['a', 4, 'redeemed', undefined],
      ['a', 3, 'code_recorded', undefined],
      ['a', 2, 'redeemed', undefined],
      ['c', 1, 'created', undefined],
      ['b', 1, 'created', undefined],
      ['a', 1, 'created', undefined],
    ]);
    expect(events[10]).toMatchObject({ redemptionId: first.id, subject: 'site-1', peer: '198.51.100.4' });
    expect(events[0]).toEqual({
      seq: 1,
      time: expect.any(String),
      kind: 'setting_changed',
      setting: 'service',
    });
    const end = '2031-03-04T05:07:07Z';
    expect(events[2]).toMatchObject({ jti: 'j3', uses: 2, subject: 'site-4', expirationTime: end });
    expect(events[1]).toMatchObject({
      name: 'c',
      redemptionsAllowed: 4,
      expirationTime: expect.any(String),
    });
    const csv = (await printed('--events', '-o', 'csv')).split('\r\n');
    expect(csv).toHaveLength(21);
    expect(csv[0]).toContain(',redemptionsAllowed,uses,expirationTime,setting,');
    expect(events[3]).toMatchObject({
      code: 'grant_revoked',
      subject: 'site-c',
      firstTime: expect.any(String),
    });
    expect(events[7]).toMatchObject({ actor: 'oidc:4711', actorName: '=cmd|z' });
    expect(events[15]).not.toHaveProperty('actor');
    expect(csv[8]).toContain(",grant_revoked,oidc:4711,'=cmd|z,");
    const text = await printed('--events', '--grant', B);
    expect(text.split('\n')[0]).toMatch(/^TIME +KIND +ACTOR +TIMES +GRANT/);
    expect(text).toContain('  oidc:4711 (=cmd|z)  ');
    expect(text.trimEnd().split('\n')).toHaveLength(6);
    const ofSubject = JSON.parse(await printed('--events', '--subject', 'site-1', '-o', 'json'));
    const kinds = ofSubject.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(['replayed', 'replayed', 'renewed', 'redeemed']);
  });
});
