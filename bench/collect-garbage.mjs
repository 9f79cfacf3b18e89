// Imported by a service before its program. On SIGUSR2 the service collects its garbage and then creates the file in
// BENCH_COLLECTED. Without this, the memory of the service varies by tens of MiB.
import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => {
  collect();
  collect();
  writeFileSync(process.env.BENCH_COLLECTED, '');
});
