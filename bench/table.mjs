import { CASES } from './cases.mjs';

const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, useGrouping: false });
const formatNumber = (value) => (Number.isInteger(value) ? String(value) : SHORT.format(value));

/** Formats rows of cells as a table: the first column aligned to the left, the others to the right. */
function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const cell = (text, column) => (column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}

/** True if an object is one row of the table, such as the figures of one server. */
const isRow = (figures) => 'serverCpuMs' in figures || 'what' in figures;

/** Yields each number and each row with its name. Omits the numbers in arrays: those of single rounds are only in the JSON. */
function* namedFigures(figures, path = []) {
  for (const [key, value] of Object.entries(figures)) {
    const names = [...path, key];
    if (typeof value === 'object' && isRow(value)) yield [value.what ?? names.join(' '), value];
    else if (typeof value === 'object') yield* namedFigures(value, names);
    else if (!Array.isArray(figures)) yield [names.join(' '), value];
  }
}

function renderCase({ name, limits: _, ...figures }) {
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

function renderLimit(name, { figure, value, atMost, atLeast, met }) {
  const limit = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return `  ${met ? 'met   ' : 'MISSED'} ${name} ${figure} ${value.toFixed(2)}, ${limit}`;
}

/** Formats the report as text. */
export function renderTable({ machine, cases }) {
  const { cpu, cores, kernel, node, openssl, memoryGiB } = machine;
  const results = cases.flatMap(({ name, limits }) => limits.map((limit) => renderLimit(name, limit)));
  return `${[
    `${cores} cores of ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}, OpenSSL ${openssl}`,
    ...cases.map(renderCase),
    ...(results.length > 0 ? [`limits:\n${results.join('\n')}`] : []),
  ].join('\n\n')}\n`;
}
