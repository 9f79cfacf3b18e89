// Loaded before a program (node --require, which works in an executable too): its clock is wrong by the milliseconds in the file that CLOCK_OFFSET_FILE names,
// which is read anew at SIGUSR2. Timers and performance.now() go on as they do when somebody sets a machine's clock.
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
