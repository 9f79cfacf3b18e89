import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { exceedsLimit, TooLargeObjects } from '../../../../../src/platforms/kubernetes/api/object-limit.js';

const LIMIT = { bytes: 100, strings: 4 };

it.each([
  ['4 strings', '{"a":"","b":""}', false],
  ['5 strings', '{"a":"","b":"","c":1}', true],
  ['100 bytes', `["${'x'.repeat(96)}"]`, false],
  ['101 bytes', `["${'x'.repeat(97)}"]`, true],
  ['60 characters of two bytes', `["${'é'.repeat(60)}"]`, true],
])('JSON with %s is compared with a limit of 100 bytes and 4 strings', (_, json, exceeds) => {
  expect(exceedsLimit(json, LIMIT)).toBe(exceeds);
});

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('an object that was too large is not read for 30 seconds, while others are read', async () => {
  const objects = new TooLargeObjects();
  const tooLarge = new ApiError('get', { reason: 'too_large' });
  let reads = 0;
  const readLarge = async () => {
    reads += 1;
    throw tooLarge;
  };
  for (let request = 0; request < 3; request += 1) {
    await expect(objects.read('large', readLarge)).rejects.toBe(tooLarge);
  }
  expect(reads).toBe(1);
  expect(await objects.read('small', async () => 'small')).toBe('small');
  vi.advanceTimersByTime(29_999);
  await expect(objects.read('large', async () => 'small')).rejects.toBe(tooLarge);
  vi.advanceTimersByTime(1);
  expect(await objects.read('large', async () => 'small')).toBe('small');
});

it('an object that could not be read for another reason is read again', async () => {
  const objects = new TooLargeObjects();
  const unavailable = new ApiError('get', { reason: 'unavailable' });
  await expect(objects.read('a', () => Promise.reject(unavailable))).rejects.toBe(unavailable);
  expect(await objects.read('a', async () => 'read')).toBe('read');
});
