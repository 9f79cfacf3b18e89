// Loaded before a program with `node --require`, which works in an executable. Shifts its clock by the milliseconds in the file
// that CLOCK_OFFSET_FILE names, and reads the file again at SIGUSR2. Timers and performance.now() continue, as on a machine
// whose clock is set.
import { readFileSync } from 'node:fs';

const RealDate = Date;
let offset = 0;
process.on('SIGUSR2', () => {
  offset = Number(readFileSync(process.env.CLOCK_OFFSET_FILE, 'utf8'));
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
