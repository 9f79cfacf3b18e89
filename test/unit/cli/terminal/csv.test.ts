import { expect, it } from 'vitest';
import { csvLine } from '../../../../src/cli/terminal/csv.js';

it('writes values with commas between, a line break of RFC 4180, and nothing for what is absent', () => {
  expect(csvLine(['a', 7, undefined, ''])).toBe('a,7,,\r\n');
});

it('quotes commas, quotes and line breaks', () => {
  expect(csvLine(['a,b', 'say "x"', 'two\nlines'])).toBe('"a,b","say ""x""","two\nlines"\r\n');
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx'])('lets no spreadsheet run %j', (text) => {
  expect(csvLine([text])).toBe(`'${text}\r\n`);
  expect(csvLine([-1])).toBe('-1\r\n');
});
