const WORDS = new Set('by without on ignoring group_left group_right offset and or unless bool'.split(' '));
const BEFORE_LABELS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);

/**
 * Returns the metrics and the labels that a PromQL expression names, each once. It distinguishes names from functions and
 * strings, but does not check the syntax: promtool does.
 */
export function namesIn(expression: string): { readonly metrics: string[]; readonly labels: string[] } {
  const plain = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, '');
  const metrics = new Set<string>();
  const labels = new Set<string>();
  const tokens = plain.match(/[A-Za-z_:][\w:]*|\d[\w.]*|\S/g) ?? [];
  let inBraces = false;
  let inLabels = false;
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1];
    if (token === '{') inBraces = true;
    else if (token === '}') inBraces = false;
    else if (token === ')') inLabels = false;
    else if (!/^[A-Za-z_:]/.test(token)) continue;
    else if (inBraces || inLabels) labels.add(token);
    else if (BEFORE_LABELS.has(token)) inLabels = next === '(';
    else if (!WORDS.has(token) && next !== '(' && !isAggregation(token, next)) metrics.add(token);
  }
  return { metrics: [...metrics], labels: [...labels] };
}

/** True for a word such as `sum` in `sum by (…) (…)`. */
function isAggregation(token: string, next: string | undefined): boolean {
  return /^[a-z]+$/.test(token) && (next === 'by' || next === 'without');
}
