// Checks deploy/monitoring with promtool: the alert rules, their tests, and each query of the dashboard as a recording rule.
// promtool is a part of Prometheus. If it is not in PATH, set PROMTOOL to its path.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';

const PROMTOOL = process.env.PROMTOOL || 'promtool';
const directory = resolve(import.meta.dirname, '../deploy/monitoring');

function promtool(...words) {
  const { status, error } = spawnSync(PROMTOOL, words, { cwd: directory, stdio: 'inherit' });
  if (error) throw new Error(`${PROMTOOL} does not start: ${error.message}`);
  if (status !== 0) throw new Error(`promtool ${words.slice(0, 2).join(' ')} found errors`);
}

/** The dashboard's queries as recording rules, with Grafana's variables filled in. */
function dashboardRules() {
  const { panels } = JSON.parse(readFileSync(join(directory, 'dashboard.json'), 'utf8'));
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const rules = queries.map((query, at) => ({
    record: `dashboard:query_${at}`,
    expr: query.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
  }));
  return { groups: [{ name: 'dashboard', rules }] };
}

const temporary = mkdtempSync(join(tmpdir(), 'linkgrant-monitoring-'));
try {
  const rules = join(temporary, 'dashboard.yaml');
  writeFileSync(rules, stringify(dashboardRules()));
  promtool('check', 'rules', 'alerts.yaml');
  promtool('check', 'rules', rules);
  promtool('test', 'rules', 'alerts.test.yaml');
} catch (error) {
  process.stderr.write(`check-monitoring: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
