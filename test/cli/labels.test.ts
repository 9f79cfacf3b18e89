import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectRefusal, expectSuccess, json } from '../support/command-line.js';
import { openSqliteFile } from '../support/stores/sqlite-file.js';

const { place, dataDir, run, report, issue, redeem } = await openAcceptingSite();
const create = (name: string, ...words: readonly string[]) => run('grant', 'create', name, ...words);

/** Issues and redeems a token of a new grant; returns the id of the redemption. */
async function redeemToken(name: string): Promise<string> {
  expectSuccess(await redeem(await issue(name), name));
  const [{ id }] = await report('redemption', 'list', '--grant', name);
  return id;
}

const FORMULA = '=1+1 <script>alert(1)</script> "\' %s, \u200b';

describe('labels and notes', () => {
  it('sets labels and note of a grant, prints them in every format, and changes them', async () => {
    expectSuccess(await create('first', '--label', 'team=a', '--label', 'pilot=', '--note', FORMULA));
    const shown = await run('grant', 'show', 'first');
    expect(shown.stdout).toMatch(/^Labels: +pilot=, team=a$/m);
    expect(shown.stdout).toContain(`${FORMULA}\n`);
    const expected = { labels: { pilot: '', team: 'a' }, note: FORMULA };
    expect(await report('grant', 'show', 'first')).toMatchObject(expected);
    expect(parse((await run('grant', 'show', 'first', '-o', 'yaml')).stdout)).toMatchObject(expected);
    const change = ['--label', 'pilot-', '--label', 'team=b', '--note', ''];
    const changed = expectSuccess(await run('grant', 'update', 'first', ...change));
    expect(changed.stdout).toMatch(/^Labels: +team=b$/m);
    expect(changed.stdout).not.toMatch(/^Note:/m);
    const [listed] = await report('grant', 'list', '-l', 'team=b');
    expect(listed).toMatchObject({ name: 'first', labels: { team: 'b' }, redemptionsAllowed: 1 });
  });

  it('changes labels and note of a redemption, and prints them in every format', async () => {
    const id = await redeemToken('linked');
    const words = ['redemption', 'update', id];
    const updated = await run(...words, '--label', 'region=eu', '--label', 'pilot=', '--note', FORMULA);
    expectSuccess(updated);
    expect(updated.stdout).toMatch(/^Labels: +pilot=, region=eu$/m);
    const expected = { id, labels: { pilot: '', region: 'eu' }, note: FORMULA };
    expect(await report('redemption', 'show', id)).toMatchObject(expected);
    expect((await run('redemption', 'show', id)).stdout).toContain(`${FORMULA}\n`);
    const csv = (await run('redemption', 'list', '-l', 'region=eu', '-o', 'csv')).stdout;
    expect(csv.split('\r\n')[0]).toMatch(/,labels,note,/);
    expect(csv).toContain(`,"pilot=, region=eu","'${FORMULA.replaceAll('"', '""')}",`);
    const removed = await run(...words, '--label', 'region-', '--note', '', '-o', 'json');
    expect(json(removed).labels).toEqual({ pilot: '' });
    expect(json(removed)).not.toHaveProperty('note');
  });

  it('token issue sets labels and note of the grant that it creates', async () => {
    const issue = ['token', 'issue', place.path('new.yaml'), '--name', 'issued'];
    expectSuccess(await run(...issue, '--label', 'team=c', '--note', 'ticket 4711'));
    expect(await report('grant', 'show', 'issued')).toMatchObject({
      ...{ labels: { team: 'c' }, note: 'ticket 4711' },
    });
    const signed = ['token', 'issue', place.path('signed.yaml'), '--grant', 'issued'];
    expect((await run(...signed, '--label', 'a=b')).code).toBe(2);
  });

  it('selects grants and redemptions by labels', async () => {
    for (const [name, team] of Object.entries({ x1: 'x', y1: 'y', x2: 'x' })) {
      await create(name, '--label', `select=${team}`);
    }
    const grants = await report('grant', 'list', '-l', 'select,select!=y');
    expect(grants).toMatchObject([{ name: 'x1' }, { name: 'x2' }]);
    expect((await run('grant', 'list', '--selector', 'select=z')).stdout).toBe('No grant matches.\n');
    const [one, two] = [await redeemToken('one'), await redeemToken('two')];
    await run('redemption', 'update', one, '--label', 'select=one');
    await run('redemption', 'update', two, '--label', 'select=two');
    expect(await report('redemption', 'list', '-l', 'select==two')).toMatchObject([{ id: two }]);
  });

  const wrong: readonly (readonly string[])[] = [
    ['grant', 'list', '-l', ''],
    ['redemption', 'list', '-l', 'a', '--events'],
    ['grant', 'create', 'bad', '--label', 'a'],
    ['grant', 'create', 'bad', '--label', 'a=b', '--label', 'a=c'],
    ['grant', 'create', 'bad', '--label', 'a=b c'],
    ['grant', 'create', 'bad', '--note', ''],
    ['redemption', 'update', '6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11'],
  ];
  it.each(wrong.map((words) => ({ words })))(
    'exits with 2 for an invalid label, note or selector: $words',
    async ({ words }) => {
      expectRefusal(await run(...words), 2);
      expect((await run('grant', 'show', 'bad')).code).toBe(1);
    },
  );

  it('escapes control characters of labels and notes in every output', async () => {
    const id = await redeemToken('attacked');
    const labels = { 'a\u001b[2J\nfake  line': '\u009b2J\u202e\u007f', '=1+1': 'x' };
    const note = '=1+1\u001b]0;title\u0007\nfake  line\u2028\u202e';
    const database = openSqliteFile(`${dataDir}/linkgrant.db`);
    for (const table of ['grants', 'redemptions']) {
      const update = database.prepare(`UPDATE ${table} SET labels = ?, note = ? WHERE name = 'attacked'`);
      expect(update.run(JSON.stringify(labels), note)).toBe(1);
    }
    database.close();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test checks that the output has none.
    const controls = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u202a-\u202e]|\r(?!\n)/;
    for (const words of [
      ['grant', 'show', 'attacked'],
      ['grant', 'list'],
      ['grant', 'update', 'attacked', '--label', 'a=b'],
      ['redemption', 'list'],
      ['redemption', 'list', '-o', 'csv'],
      ['redemption', 'show', id],
      ['redemption', 'update', id, '--label', 'a=b'],
    ]) {
      const formats = words.includes('-o') ? [[]] : [[], ['-o', 'json'], ['-o', 'yaml']];
      for (const format of formats) {
        const shown = expectSuccess(await run(...words, ...format));
        expect(shown.stdout, `${words} ${format}`).not.toMatch(controls);
        if (format.length === 0 && !words.includes('csv')) expect(shown.stdout).not.toMatch(/^ *fake/m);
        if (words.includes('csv')) expect(shown.stdout).not.toMatch(/,=/);
      }
    }
    expect(await report('grant', 'show', 'attacked')).toMatchObject({ labels: { ...labels, a: 'b' }, note });
  });
});
