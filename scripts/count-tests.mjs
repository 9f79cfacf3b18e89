// Adds up suites and prints the closing line `N passed, N failed`. Usage: count-tests.mjs NAME=STATUS[=REPORT]...
// STATUS is the suite's exit code, REPORT the JSON that vitest wrote. A suite that failed without a failed test (it did not
// start, or broke outside one) counts as one failure, and so does a report that is missing or tells of no test at all.
// Exits 1 unless everything passed.
import { readFileSync } from 'node:fs';

function counted(report) {
  if (report === undefined) return { passed: 0, failed: 0 };
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numPassedTests + numFailedTests > 0 ? numFailedTests : 1 };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const total = { passed: 0, failed: 0 };
for (const argument of process.argv.slice(2)) {
  const [name, status, report] = argument.split('=');
  const { passed, failed } = counted(report);
  const failures = status === '0' ? failed : Math.max(failed, 1);
  const tests = report === undefined ? '' : `, ${passed} passed, ${failed} failed`;
  console.log(`${failures === 0 ? 'ok    ' : 'FAILED'} ${name} (exit ${status}${tests})`);
  total.passed += passed;
  total.failed += failures;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
