import pg from 'pg';
import { expect, it } from 'vitest';
import { failureOf, isRolledBack } from '../../../../src/stores/postgres/postgres-failure.js';

function serverError(code: string, severity: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('refused', 7, 'error'), { code, severity });
}

it.each([
  ['a serialization failure', serverError('40001', 'ERROR'), true],
  ['a serialization failure of a server that speaks German', serverError('40001', 'FEHLER'), true],
  ['a violated constraint', serverError('23505', 'ERROR'), true],
  ['a cancelled statement', serverError('57014', 'ERROR'), true],
  ['a full disk', serverError('53100', 'ERROR'), true],
  ['a shutdown', serverError('57P01', 'FATAL'), false],
  ['a shutdown of a server that speaks German', serverError('57P01', 'SCHWERWIEGEND'), false],
  ['a transaction that took too long', serverError('25P04', 'FATAL'), false],
  ['a failed sync', serverError('58030', 'PANIC'), false],
  ['a broken connection', new Error('Connection terminated unexpectedly'), false],
])('for %s, reports whether the commit was rolled back', (_what, error, expected) => {
  expect(isRolledBack(error)).toBe(expected);
});

it.each([
  ['53100', 'full'],
  ['53200', 'full'],
  ['53300', 'lost'],
  ['57014', 'busy'],
  ['57P03', 'lost'],
  ['23505', 'statement'],
])('treats SQLSTATE %s as %s', (code, failure) => {
  expect(failureOf(serverError(code, 'ERROR'))).toBe(failure);
});
