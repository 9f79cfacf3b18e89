// Adds up suites and prints the closing line `N passed, N failed`. Usage: count-tests.mjs NAME=STATUS[=REPORT]...
// STATUS is the suite's exit code, REPORT the JSON that vitest wrote. A suite that failed without a failed test (it did not
// start, or broke outside one) counts as one failure, and so does a report that is missing or contains no test.
// Prints each failed test with the start of its message. Exits 1 unless all suites passed.
import { readFileSync } from 'node:fs';

const MAX_MESSAGE_LENGTH = 1_500;

/** The failed tests and files of a report, each with the start of its message. */
function failures({ testResults = [] }) {
  return testResults.flatMap(({ name, status, message, assertionResults = [] }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed');
    if (tests.length === 0) return status === 'failed' ? [`${name}\n${message}`] : [];
    return tests.map((test) => `${name}: ${test.fullName}\n${test.failureMessages.join('\n')}`);
  });
}

function countTests(report) {
  if (report === undefined) return { passed: 0, failed: 0, named: [] };
  try {
    const read = JSON.parse(readFileSync(report, 'utf8'));
    const { numPassedTests: passed, numFailedTests } = read;
    return { passed, failed: passed + numFailedTests > 0 ? numFailedTests : 1, named: failures(read) };
  } catch {
    return { passed: 0, failed: 1, named: [] };
  }
}

const total = { passed: 0, failed: 0 };
for (const argument of process.argv.slice(2)) {
  const [name, status, report] = argument.split('=');
  const { passed, failed, named } = countTests(report);
  const broken = status === '0' ? failed : Math.max(failed, 1);
  const tests = report === undefined ? '' : `, ${passed} passed, ${failed} failed`;
  console.log(`${broken === 0 ? 'ok    ' : 'FAILED'} ${name} (exit ${status}${tests})`);
  for (const failure of named) console.log(failure.slice(0, MAX_MESSAGE_LENGTH).replace(/^/gm, '       '));
  total.passed += passed;
  total.failed += broken;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
