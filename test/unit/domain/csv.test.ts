import { expect, it } from 'vitest';
import { csvLine } from '../../../src/domain/csv.js';

it('writes CSV with commas, RFC 4180 line breaks, and empty fields for absent values', () => {
  expect(csvLine(['a', 7, undefined, ''])).toBe('a,7,,\r\n');
});

it('quotes commas, semicolons, quotes and line breaks in CSV', () => {
  expect(csvLine(['a,b', 'c;d', 'say "x"', 'two\nlines'])).toBe('"a,b","c;d","say ""x""","two\nlines"\r\n');
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx'])('prevents a spreadsheet from executing %j', (text) => {
  expect(csvLine([text])).toBe(`'${text}\r\n`);
  expect(csvLine([-1])).toBe('-1\r\n');
});

it('prevents a spreadsheet that splits texts at semicolons from executing a part', () => {
  expect(csvLine(['a;=1+1', '-1;@x;b'])).toBe(`"a;'=1+1","'-1;'@x;b"\r\n`);
  expect(csvLine(['a;"=1;b', 'a; +1'])).toBe(`"a;""'=1;b","a; '+1"\r\n`);
});
