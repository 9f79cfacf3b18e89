// Measures the cases of cases.mjs. Prints a table. Exits 1 if a figure misses its limit, 2 if a case cannot be measured.
// See README.md.
import { writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { CASES } from './cases.mjs';
import { startDriver } from './driver-process.mjs';
import { judge } from './judge.mjs';
import { renderTable } from './table.mjs';

const USAGE = `Usage: npm run bench -- [options]

  --only NAME       run only this case; may be repeated
  --requests N      requests of one round (default 3000; slow cases have fewer)
  --soak-requests N redemptions of the soak (default 1000000)
  --json FILE       also write the figures to FILE as JSON
  --help

Cases:
${Object.entries(CASES)
  .map(
    ([name, { summary, onlyByName }]) =>
      `  ${name.padEnd(17)} ${summary}${onlyByName ? ' (only by name)' : ''}`,
  )
  .join('\n')}
`;

/** Parses the command line. Returns undefined for --help. Throws an Error for an invalid option. */
function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true },
      requests: { type: 'string', default: '3000' },
      'soak-requests': { type: 'string', default: '1000000' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const names = values.only ?? Object.keys(CASES).filter((name) => !CASES[name].onlyByName);
  const unknown = names.filter((name) => !Object.hasOwn(CASES, name));
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}`);
  const requests = Number(values.requests);
  if (!Number.isInteger(requests) || requests < 100 || requests > 10_000)
    throw new Error('--requests must be a whole number from 100 to 10000');
  const soakRequests = Number(values['soak-requests']);
  if (!Number.isInteger(soakRequests) || soakRequests < 20_000 || soakRequests > 10_000_000)
    throw new Error('--soak-requests must be a whole number from 20000 to 10000000');
  return { names, requests, soakRequests, json: values.json };
}

/** Runs the cases one after the other. An error of a case ends the run. */
async function runCases({ names, requests, soakRequests }) {
  const driver = await startDriver();
  try {
    const results = [];
    for (const name of names) {
      process.stderr.write(`bench: ${name}\n`);
      const figures = await CASES[name].run({ driver, requests, soakRequests });
      results.push({ name, ...figures, limits: judge(name, figures) });
    }
    return results;
  } finally {
    driver.stop();
  }
}

/** Describes this machine, so that figures of different machines can be compared. */
function describeMachine() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    at: new Date().toISOString(),
  };
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(USAGE);
    return;
  }
  const report = { machine: describeMachine(), cases: await runCases(options) };
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(renderTable(report));
  if (report.cases.some(({ limits }) => limits.some(({ met }) => !met))) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}
