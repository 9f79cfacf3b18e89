import { CASES } from './cases.mjs';

const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, useGrouping: false });
const formatNumber = (value) => (Number.isInteger(value) ? String(value) : SHORT.format(value));

/** Formats rows of cells as a table: the first column aligned to the left, the others to the right. */
function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const cell = (text, column) => (column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}

/** Whether figures belong together, such as those of one server. */
const isRow = (figures) => 'serverCpuMs' in figures || 'what' in figures;

/** Yields each number and each row with its name. The numbers of single rounds, which are in arrays, are only in the JSON. */
function* namedFigures(figures, path = []) {
  for (const [key, value] of Object.entries(figures)) {
    const names = [...path, key];
    if (typeof value === 'object' && isRow(value)) yield [value.what ?? names.join(' '), value];
    else if (typeof value === 'object') yield* namedFigures(value, names);
    else if (!Array.isArray(figures)) yield [names.join(' '), value];
  }
}

function renderCase({ name, bars: _, ...figures }) {
  const all = [...namedFigures(figures)];
  const rows = all.filter(([, value]) => typeof value === 'object');
  const numbers = all.filter(([, value]) => typeof value === 'number');
  const columns = Object.keys(rows[0]?.[1] ?? {}).filter((column) => column !== 'what');
  const table = rows.map(([row, value]) => [row, ...columns.map((column) => formatNumber(value[column]))]);
  return [
    `${name}: ${CASES[name].summary}`,
    ...(rows.length > 0 ? [align([['', ...columns], ...table])] : []),
    align(numbers.map(([figure, value]) => [figure, formatNumber(value)])),
  ].join('\n');
}

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
