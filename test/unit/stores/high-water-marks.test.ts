import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type HighWaterMark, HighWaterMarks } from '../../../src/stores/high-water-marks.js';
import { directoryForTest } from '../../support/release.js';

const LEDGER = '0b9c0c3e-7d0c-4b0e-9b0a-2f6f5f0d3c11';

let directory: string;
beforeEach(() => {
  vi.useFakeTimers();
  directory = join(directoryForTest(), 'ledger-seen');
});
afterEach(() => {
  vi.useRealTimers();
});

const markAt = (position: number, epoch = 1, branch = 0): HighWaterMark => ({
  epoch,
  position,
  writes: position,
  mac: Buffer.alloc(32, position + branch),
});
const line = () => readFileSync(join(directory, LEDGER), 'latin1');
/** Returns what a process that starts now reads. */
const written = () => new HighWaterMarks(directory).find(LEDGER);

it('the high-water mark of a burst of commits is written at once, and is due after a second', () => {
  const marks = new HighWaterMarks(directory);
  let due = 0;
  marks.onDue = () => {
    due += 1;
  };
  for (let position = 1; position <= 5; position++)
    marks.put(LEDGER, markAt(position), [markAt(position - 1)]);
  expect(written()).toEqual([markAt(1)]);
  expect(marks.isWritten).toBe(false);
  vi.advanceTimersByTime(999);
  expect(due).toBe(0);
  vi.advanceTimersByTime(1);
  expect(due).toBe(1);
  // It stays as it is until the ledger has been compared with it.
  expect(written()).toEqual([markAt(1)]);
  marks.put(LEDGER, markAt(5), marks.find(LEDGER), true);
  expect(written()).toEqual([markAt(5)]);
  expect(marks.isWritten).toBe(true);
  vi.advanceTimersByTime(5_000);
  expect(due).toBe(1);
  marks.put(LEDGER, markAt(6), [markAt(5)]);
  expect(written()).toEqual([markAt(6)]);
});

it('a process finds its own high-water mark before it is written, and that of another process at once', () => {
  const [marks, others] = [new HighWaterMarks(directory), new HighWaterMarks(directory)];
  marks.put(LEDGER, markAt(1), []);
  marks.put(LEDGER, markAt(2), [markAt(1)]);
  expect(marks.find(LEDGER)).toEqual([markAt(2)]);
  expect(others.find(LEDGER)).toEqual([markAt(1)]);
  others.put(LEDGER, markAt(3), [markAt(1), markAt(2)]);
  expect(marks.find(LEDGER)).toEqual([markAt(3), markAt(2)]);
  expect(others.find(LEDGER)).toEqual([markAt(3)]);
});

it.each([
  ['another entry at its position', markAt(2, 1, 100)],
  ['another entry at an earlier position', markAt(1, 1, 100)],
  ['a higher position', markAt(9)],
  ['more writes', { ...markAt(2), writes: 3 }],
  ['a later epoch', markAt(1, 2)],
])('a high-water mark does not replace one of another process with %s', (_, other) => {
  const [marks, others] = [new HighWaterMarks(directory), new HighWaterMarks(directory)];
  others.put(LEDGER, other, []);
  marks.put(LEDGER, markAt(2), [markAt(1), markAt(2)]);
  expect(written()).toEqual([other]);
  expect(marks.isWritten).toBe(false);
  expect(marks.find(LEDGER)).toEqual([other, markAt(2)]);
  marks.putBack(LEDGER);
  expect(written()).toEqual([markAt(2)]);
});

it('a high-water mark of a later epoch replaces any other', () => {
  new HighWaterMarks(directory).put(LEDGER, markAt(9), []);
  new HighWaterMarks(directory).put(LEDGER, markAt(2, 2), []);
  expect(written()).toEqual([markAt(2, 2)]);
});

it('a process that cannot write its high-water mark still finds it', () => {
  writeFileSync(directory, '');
  const marks = new HighWaterMarks(directory);
  marks.put(LEDGER, markAt(1), []);
  expect(marks.find(LEDGER)).toEqual([markAt(1)]);
  expect(written()).toEqual([]);
});

it('a high-water mark that was read while another process wrote it is ignored', () => {
  const marks = new HighWaterMarks(directory);
  const both = [markAt(8), markAt(19)] as const;
  const [before, after] = both.map((mark) => {
    marks.put(LEDGER, mark, both, true);
    return line();
  }) as [string, string];
  expect(after).toHaveLength(before.length);
  for (let length = 1; length < after.length; length += 1) {
    writeFileSync(join(directory, LEDGER), after.slice(0, length) + before.slice(length));
    const [found, ...others] = written();
    expect(others).toEqual([]);
    if (line() === before || line() === after) expect(both).toContainEqual(found);
    else expect(found, line()).toBeUndefined();
  }
});
