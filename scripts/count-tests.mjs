// Adds up the results of suites and prints the closing line `N passed, N failed`. Usage: count-tests.mjs
// NAME=STATUS[=REPORT[=LOG]]... STATUS is the exit code of the suite, REPORT the JSON that vitest wrote (empty for a command
// without tests), LOG a file with the suite's output. A suite that failed without a failed test (for example because it did not
// start) counts as one failure, and so does a report that is missing or contains no test. Prints each failed test with the start
// of its message; for a suite that failed otherwise, the end of its output. Exits 1 unless all suites passed.
import { readFileSync } from 'node:fs';

const MAX_MESSAGE_LENGTH = 1_500;
const LINES_OF_OUTPUT = 30;

/** The failed tests and files of a report, each with the start of its message. */
function failureMessages({ testResults = [] }) {
  return testResults.flatMap(({ name, status, message, assertionResults = [] }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed');
    if (tests.length === 0) return status === 'failed' ? [`${name}\n${message}`] : [];
    return tests.map((test) => `${name}: ${test.fullName}\n${test.failureMessages.join('\n')}`);
  });
}

function countTests(report) {
  if (!report) return { passed: 0, failed: 0, messages: [] };
  try {
    const read = JSON.parse(readFileSync(report, 'utf8'));
    const { numPassedTests: passed, numFailedTests } = read;
    return {
      passed,
      failed: passed + numFailedTests > 0 ? numFailedTests : 1,
      messages: failureMessages(read),
    };
  } catch {
    return { passed: 0, failed: 1, messages: [] };
  }
}

/** The last lines of a suite's output. */
function endOfOutput(log) {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LINES_OF_OUTPUT).join('\n');
  } catch {
    return '';
  }
}

const indented = (text) => text.replace(/^/gm, '       ');

const total = { passed: 0, failed: 0 };
for (const argument of process.argv.slice(2)) {
  const [name, status, report, log] = argument.split('=');
  const { passed, failed, messages } = countTests(report);
  const failures = status === '0' ? failed : Math.max(failed, 1);
  const tests = report ? `, ${passed} passed, ${failed} failed` : '';
  console.log(`${failures === 0 ? 'ok    ' : 'FAILED'} ${name} (exit ${status}${tests})`);
  for (const message of messages) console.log(indented(message.slice(0, MAX_MESSAGE_LENGTH)));
  if (failures > 0 && messages.length === 0 && log) console.log(indented(endOfOutput(log)));
  total.passed += passed;
  total.failed += failures;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
