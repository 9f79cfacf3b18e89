/** Formats rows of cells as a table: the first column aligned to the left, the others to the right. */
function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const cell = (text, column) => (column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}

const ms = (value, digits = 2) => `${value.toFixed(digits)} ms`;

const COMPARED = ['', 'server CPU each', 'per second', 'p50', 'p99', 'driver CPU each'];

function comparisonRow(label, figures) {
  return [
    label,
    ms(figures.serverCpuMs, 3),
    figures.perSecond.toFixed(0),
    ms(figures.p50Ms, 1),
    ms(figures.p99Ms, 1),
    ms(figures.driverCpuMs),
  ];
}

function comparison({ name, requests, clients, answerBytes, cpuRatio, p99Ratio, service, bare }) {
  const rows = [COMPARED, comparisonRow('linkgrant', service), comparisonRow('bare node:https', bare)];
  return [
    `${name}: ${requests} requests in 3 rounds, ${clients} clients, ${answerBytes} bytes a response`,
    align(rows),
    `  server CPU ${cpuRatio.toFixed(2)} times the bare server's, p99 ${p99Ratio.toFixed(2)} times`,
  ].join('\n');
}

function burst({ name, requests, refused, longestMs, p50Ms, perSecond }) {
  return [
    `${name}: ${requests} at once`,
    `  ${refused} refused, longest ${ms(longestMs, 0)}, p50 ${ms(p50Ms, 0)}, ${perSecond.toFixed(0)} per second`,
  ].join('\n');
}

function startUp({ name, firstServeMs, laterServeMs, helpMs, nodeMs }) {
  const rows = [
    ['serve, new data directory', ms(firstServeMs, 0)],
    ['serve, used data directory', ms(laterServeMs, 0)],
    ['--help', ms(helpMs, 0)],
    ['Node.js alone', ms(nodeMs, 0)],
  ];
  return `${name}: from the start of the process until its first response, or its end\n${align(rows)}`;
}

function ledgerVerify({ name, entries, verifyMs, peakMiB, fewEntries, fewVerifyMs, grownMiB }) {
  return [
    `${name}: ${entries} entries, ${(verifyMs / 1000).toFixed(1)} s, at most ${peakMiB.toFixed(0)} MiB`,
    `  ${grownMiB.toFixed(0)} MiB more than for ${fewEntries} entries, which took ${(fewVerifyMs / 1000).toFixed(1)} s`,
  ].join('\n');
}

function crl({ name, entries, redemptions, bytes, crlMs, crlCpuMs, emptyMs, emptyCpuMs }) {
  return [
    `${name}: ${entries} entries out of ${redemptions} redemptions, ${bytes} bytes`,
    `  ${ms(crlMs, 0)}, processor time ${ms(crlCpuMs, 0)}; without entries ${ms(emptyMs, 0)} and ${ms(emptyCpuMs, 0)}`,
  ].join('\n');
}

function attacker(figures) {
  const { name, attackPerSecond, notServed, aloneP50Ms, aloneP99Ms, attackedP50Ms, attackedP99Ms } = figures;
  return [
    `${name}: ${attackPerSecond.toFixed(0)} wrong codes per second; ${notServed} honest redemptions not served`,
    `  alone p50 ${ms(aloneP50Ms, 1)}, p99 ${ms(aloneP99Ms, 1)}; attacked p50 ${ms(attackedP50Ms, 1)}, p99 ${ms(attackedP99Ms, 1)}`,
  ].join('\n');
}

function overload(figures) {
  const { name, topPerSecond, halfP50Ms, halfP99Ms, overPerSecond, overServedPerSecond, overServedP99Ms } =
    figures;
  return [
    `${name}: top rate ${topPerSecond.toFixed(0)} per second; at half of it p50 ${ms(halfP50Ms, 1)}, p99 ${ms(halfP99Ms, 1)}`,
    `  at ${overPerSecond.toFixed(0)} per second ${overServedPerSecond.toFixed(0)} served, p99 ${ms(overServedP99Ms, 0)}; outcomes ${JSON.stringify(figures.overOutcomes)}`,
  ].join('\n');
}

function postgres({ name, requests, sqlite, postgres, sqliteRatio, halfP50Ms, halfP99Ms }) {
  const rows = [COMPARED, comparisonRow('PostgreSQL', postgres), comparisonRow('SQLite', sqlite)];
  return [
    `${name}: ${requests} redemptions each in 3 rounds`,
    align(rows),
    `  server CPU ${sqliteRatio.toFixed(2)} times that with SQLite; at half the top rate p50 ${ms(halfP50Ms, 1)}, p99 ${ms(halfP99Ms, 1)}`,
  ].join('\n');
}

function eventStreams({ name, streams, requests, pairs, alone, beside, streamsRatio }) {
  const rows = [COMPARED, comparisonRow('no stream', alone), comparisonRow(`${streams} streams`, beside)];
  return [
    `${name}: ${requests} redemptions each in ${pairs} pairs of rounds`,
    align(rows),
    `  server CPU ${streamsRatio.toFixed(3)} times that without a stream`,
  ].join('\n');
}

function manyGrants({ name, grants, sqlite, postgres }) {
  const stores = Object.entries({ SQLite: sqlite, PostgreSQL: postgres });
  const rows = stores.flatMap(([store, { one, many }]) => [
    comparisonRow(`${store}, 1 grant`, one),
    comparisonRow(`${store}, ${grants}`, many),
  ]);
  const listed = stores.map(
    ([store, { listMs, longestListMs }]) => `${store} ${ms(listMs, 1)} (longest ${ms(longestListMs, 0)})`,
  );
  return [
    `${name}: redemptions of one grant and of ${grants}`,
    align([COMPARED, ...rows]),
    `  a page of 100: ${listed.join(', ')}`,
  ].join('\n');
}

function soak(figures) {
  const { name, soakRedemptions, steadyMiB, endMiB, grownMiBPer100k, filesLeftOpen } = figures;
  return [
    `${name}: ${soakRedemptions} redemptions; ${steadyMiB.toFixed(0)} MiB after the first tenth, ${endMiB.toFixed(0)} MiB at the end, ${grownMiBPer100k.toFixed(2)} MiB more for each 100,000`,
    `  p50 ${ms(figures.firstP50Ms, 1)} at first, ${ms(figures.lastP50Ms, 1)} at last; p99 ${ms(figures.firstP99Ms, 1)} and ${ms(figures.lastP99Ms, 1)}; ${filesLeftOpen} more files open`,
  ].join('\n');
}

function cluster({ name, clusterRates, burstLongestMs }) {
  const head = ['replicas', 'per second', 'raw', 'of raw', 'p50', 'p99', 'driver CPU each'];
  const rows = clusterRates.map(({ what, perSecond, rawPerSecond, rawShare, p50Ms, p99Ms, driverCpuMs }) => [
    what,
    perSecond.toFixed(0),
    rawPerSecond.toFixed(0),
    rawShare.toFixed(2),
    ms(p50Ms, 1),
    ms(p99Ms, 1),
    ms(driverCpuMs),
  ]);
  return [
    `${name}: redemptions per second; raw: the same objects created directly on the API server`,
    align([head, ...rows]),
    `  the last of a burst of 300 waits ${ms(burstLongestMs, 0)}`,
  ].join('\n');
}

function slowCertificates({ name, besideSlow, notServed }) {
  const head = ['certificates', 'p99 alone', 'beside usual', 'beside slow', 'slow to usual', 'slow to alone'];
  const rows = besideSlow.map(({ what, aloneP99Ms, usualP99Ms, slowP99Ms, p99Ratio }) => [
    what,
    ...[aloneP99Ms, usualP99Ms, slowP99Ms].map((value) => ms(value, 1)),
    p99Ratio.toFixed(2),
    (slowP99Ms / aloneP99Ms).toFixed(2),
  ]);
  return [
    `${name}: redemptions of a tenant, alone, and beside one whose router has usual or slow certificates; ${notServed} not served`,
    align([head, ...rows]),
  ].join('\n');
}

function webConsole(figures) {
  const { name, links, firstLoadKiB, firstLoadMs, longestLoadMs, filterMs, longestFilterMs, mostPages } =
    figures;
  return [
    `${name}: first load ${firstLoadKiB.toFixed(0)} KiB compressed, painted after ${ms(firstLoadMs, 0)} (longest ${ms(longestLoadMs, 0)})`,
    `  a filter of ${links} links: painted after ${ms(filterMs, 0)} (longest ${ms(longestFilterMs, 0)}), at most ${mostPages} pages requested`,
  ].join('\n');
}

/** The functions that format cases; the other cases compare the service with a bare server. */
const RENDERERS = {
  burst,
  attacker,
  overload,
  postgres,
  'event-streams': eventStreams,
  'grants-100k': manyGrants,
  soak,
  'ledger-verify': ledgerVerify,
  crl,
  cluster,
  'slow-certificates': slowCertificates,
  console: webConsole,
  'start-up': startUp,
};

const renderCase = (figures) => (RENDERERS[figures.name] ?? comparison)(figures);

function renderBar(name, { figure, value, atMost, atLeast, met }) {
  const bar = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return `  ${met ? 'met   ' : 'MISSED'} ${name} ${figure} ${value.toFixed(2)}, ${bar}`;
}

/** Formats the report as text. */
export function renderTable({ machine, cases }) {
  const { cpu, cores, kernel, node, openssl, memoryGiB } = machine;
  const bars = cases.flatMap(({ name, bars }) => bars.map((bar) => renderBar(name, bar)));
  return `${[
    `${cores} cores of ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}, OpenSSL ${openssl}`,
    ...cases.map(renderCase),
    ...(bars.length > 0 ? [`bars:\n${bars.join('\n')}`] : []),
  ].join('\n\n')}\n`;
}
