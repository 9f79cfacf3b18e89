// Preloaded into a program under test (NODE_OPTIONS=--import): at its exit, the processor time and the peak of resident
// memory that it used are written to USAGE_FILE, as JSON.
import { writeFileSync } from 'node:fs';

process.once('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMiB: maxRSS / 1024 };
  writeFileSync(process.env.USAGE_FILE, JSON.stringify(usage));
});
