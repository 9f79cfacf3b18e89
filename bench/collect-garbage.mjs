// Imported by a service before its program. On SIGUSR2 the service collects its garbage and then creates the file in
// BENCH_COLLECTED, with the result of process.memoryUsage(). Without this, the memory of the service varies by tens of MiB.
import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => {
  collect();
  collect();
  const file = process.env.BENCH_COLLECTED;
  // The rename is atomic, so no process reads a partial file.
  const temporaryFile = `${file}.${process.pid}`;
  writeFileSync(temporaryFile, JSON.stringify(process.memoryUsage()));
  renameSync(temporaryFile, file);
});
