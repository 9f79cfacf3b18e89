// Loaded before a program with `node --require`, which works in an executable. Shifts its clock by the milliseconds in the file
// that CLOCK_OFFSET_FILE names, if the file exists, and reads the file again at SIGUSR2. Timers and performance.now() continue, as
// on a machine whose clock is set.
import { existsSync, readFileSync } from 'node:fs';

const RealDate = Date;
const { CLOCK_OFFSET_FILE } = process.env;
const readOffset = () => Number(readFileSync(CLOCK_OFFSET_FILE, 'utf8'));
let offset = existsSync(CLOCK_OFFSET_FILE) ? readOffset() : 0;
process.on('SIGUSR2', () => {
  offset = readOffset();
  process.stderr.write('{"event":"clock_moved"}\n');
});

const now = () => RealDate.now() + offset;
globalThis.Date = class extends RealDate {
  constructor(...values) {
    if (values.length === 0) super(now());
    else super(...values);
  }

  static now() {
    return now();
  }
};
