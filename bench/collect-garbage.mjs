// Loaded into a service before its program: on SIGUSR2 it collects its garbage, and says so by the file that BENCH_COLLECTED
// names. When the engine does so by itself, and how much memory it keeps for later, is noise of tens of MiB.
import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

if (process.argv.includes('serve')) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    collect();
    collect();
    writeFileSync(process.env.BENCH_COLLECTED, '');
  });
}
