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

const markAt = (position: number, epoch = 1): HighWaterMark => ({
  epoch,
  position,
  writes: position,
  mac: Buffer.alloc(32, position),
});
const line = () => readFileSync(join(directory, LEDGER), 'latin1');
/** Returns what a process that starts now reads. */
const written = () => new HighWaterMarks(directory).find(LEDGER);

it('the high-water mark of a burst of commits is written once a second, and at the end', () => {
  const marks = new HighWaterMarks(directory);
  for (let position = 1; position <= 5; position++) marks.put(LEDGER, markAt(position));
  expect(written()).toEqual(markAt(1));
  vi.advanceTimersByTime(1_000);
  expect(written()).toEqual(markAt(5));
  marks.put(LEDGER, markAt(6));
  expect(written()).toEqual(markAt(5));
  marks.flush();
  expect(written()).toEqual(markAt(6));
});

it('the process that recorded a high-water mark finds it before it is written', () => {
  const marks = new HighWaterMarks(directory);
  marks.put(LEDGER, markAt(1));
  marks.put(LEDGER, markAt(2));
  vi.advanceTimersByTime(900);
  expect(marks.find(LEDGER)).toEqual(markAt(2));
});

it('a high-water mark of another process is found after a second', () => {
  const [marks, others] = [new HighWaterMarks(directory), new HighWaterMarks(directory)];
  marks.put(LEDGER, markAt(1));
  expect(marks.find(LEDGER)).toEqual(markAt(1));
  others.put(LEDGER, markAt(2));
  vi.advanceTimersByTime(1_000);
  expect(marks.find(LEDGER)).toEqual(markAt(2));
});

it.each([
  ['a higher position', markAt(9)],
  ['a later epoch', markAt(1, 2)],
])(
  'a high-water mark that waited to be written does not replace one of another process with %s',
  (_, higher) => {
    const [marks, others] = [new HighWaterMarks(directory), new HighWaterMarks(directory)];
    marks.put(LEDGER, markAt(1));
    marks.put(LEDGER, markAt(2));
    others.put(LEDGER, higher);
    marks.flush();
    expect(written()).toEqual(higher);
    vi.advanceTimersByTime(1_000);
    expect(marks.find(LEDGER)).toEqual(higher);
  },
);

it('a high-water mark that was read while another process wrote it is ignored', () => {
  const marks = new HighWaterMarks(directory);
  const both = [markAt(8), markAt(19)] as const;
  const [before, after] = both.map((mark) => {
    marks.put(LEDGER, mark);
    marks.flush();
    return line();
  }) as [string, string];
  expect(after).toHaveLength(before.length);
  for (let length = 1; length < after.length; length += 1) {
    writeFileSync(join(directory, LEDGER), after.slice(0, length) + before.slice(length));
    const found = written();
    if (line() === before || line() === after) expect(both).toContainEqual(found);
    else expect(found, line()).toBeUndefined();
  }
});
