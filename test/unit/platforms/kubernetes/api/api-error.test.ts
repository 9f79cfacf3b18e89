import { expect, it } from 'vitest';
import { ApiError, failureLog } from '../../../../../src/platforms/kubernetes/api/api-error.js';

it.each([
  ['an expired watch', 'gone', 410, 'Expired'],
  ['a write conflict', 'conflict', 409, 'Conflict'],
] as const)('logs %s at info, without a stack', (_what, reason, status, word) => {
  const error = new ApiError('watch accessgrants', { reason, status, word });
  const text = `watch accessgrants: HTTP ${status} (${word})`;
  expect(failureLog(error)).toEqual({ level: 'info', fields: { reason: text } });
});

it.each([
  ['a failure of the API server', new ApiError('watch accessgrants', { reason: 'unavailable', status: 500 })],
  ['a missing right', new ApiError('list accessgrants', { reason: 'forbidden', status: 403 })],
  ['an error of another kind', new TypeError('x')],
])('logs %s as a warning, with its stack', (_what, error) => {
  expect(failureLog(error)).toEqual({ level: 'warn', fields: { err: error } });
});
