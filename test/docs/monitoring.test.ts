import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/admin/metrics.js';
import { PROJECT } from '../support/programs.js';
import { readProjectFile, sectionsOf } from './document.js';
import { namesIn } from './promql-names.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const monitoring = (file: string) => readFileSync(join(PROJECT, 'deploy/monitoring', file), 'utf8');
const rules: readonly Rule[] = parse(monitoring('alerts.yaml')).groups.flatMap(
  (group: { readonly rules: readonly Rule[] }) => group.rules,
);
const dashboard = JSON.parse(monitoring('dashboard.json'));
const panels: readonly Panel[] = dashboard.panels;

/** Label names by metric: linkgrant's as documented, which another test compares with the service, and those of Node.js. */
const known = new Map<string, readonly string[]>([['up', []]]);
const table = readProjectFile('docs/reference/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*) \|/gm);
for (const [, name = '', type = '', cell = ''] of table) {
  const labels = [...cell.matchAll(/`(\w+)`/g)].map(([, label = '']) => label);
  if (type !== 'histogram') known.set(name, labels);
  else for (const part of ['bucket', 'sum', 'count']) known.set(`${name}_${part}`, [...labels, 'le']);
}
for (const { name } of await createMetrics().registry.getMetricsAsJSON()) {
  if (/^(process|nodejs)_/.test(name)) known.set(name, []);
}

// Labels that Prometheus adds to each scraped series.
const SCRAPED = ['job', 'instance'];

const labelsOf = (metrics: readonly string[]) => [
  ...SCRAPED,
  ...metrics.flatMap((metric) => known.get(metric) ?? []),
];

function problemsOf(expr: string): string[] {
  const { metrics, labels } = namesIn(expr);
  const allowed = new Set(labelsOf(metrics));
  return [
    ...(metrics.length === 0 ? ['names no metric'] : []),
    ...metrics.filter((metric) => !known.has(metric)).map((metric) => `${metric} is not a metric`),
    ...labels.filter((label) => !allowed.has(label)).map((label) => `${label} is not a label of its metrics`),
  ];
}

describe('the alert rules', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s names metrics and labels that exist',
    (_name, rule) => {
      expect(problemsOf(rule.expr)).toEqual([]);
      const text = `${rule.annotations.summary} ${rule.annotations.description}`;
      for (const [, label = ''] of text.matchAll(/\$labels\.(\w+)/g)) {
        expect(labelsOf(namesIn(rule.expr).metrics)).toContain(label);
      }
      expect(['critical', 'warning', 'info']).toContain(rule.labels.severity);
      expect(rule.annotations.description).toMatch(/^.{30,}\.$/);
    },
  );

  it('the promtool tests expect each alert rule to fire', () => {
    const tests = monitoring('alerts.test.yaml');
    for (const { alert } of rules) expect(tests, alert).toContain(`'{alertname="${alert}"}'`);
  });

  it('alert rules and dashboard name documents that exist', () => {
    const text = monitoring('alerts.yaml') + monitoring('dashboard.json');
    const paths = [...text.matchAll(/docs\/[\w/-]+\.md/g)].map(([path]) => path);
    expect(paths.length).toBeGreaterThan(5);
    for (const path of paths) expect(sectionsOf(readProjectFile(path)).length, path).toBeGreaterThan(0);
  });
});

describe('the dashboard', () => {
  it.each(panels.map((panel) => [panel.title, panel] as const))(
    'shows in %s metrics and labels that exist',
    (_title, panel) => {
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const { expr, legendFormat } of panel.targets) {
        expect(problemsOf(expr)).toEqual([]);
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expect([...namesIn(expr).labels, ...SCRAPED]).toContain(label);
        }
      }
    },
  );

  it('shows every metric of linkgrant', () => {
    const shown = new Set(
      panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr).metrics)),
    );
    const ours = [...known.keys()].filter((name) => name.startsWith('linkgrant_'));
    const missing = ours.filter((name) => !shown.has(name) && !/_(sum|count)$/.test(name));
    expect(missing).toEqual([]);
  });

  it('has no two panels at one position, and filters each query by the variable instance', () => {
    const places = dashboard.panels.map(
      ({ gridPos }: { gridPos: { x: number; y: number } }) => `${gridPos.x} ${gridPos.y}`,
    );
    expect(new Set(places).size).toBe(places.length);
    const variables = dashboard.templating.list.map(({ name }: { name: string }) => name);
    expect(variables).toEqual(['datasource', 'instance']);
    for (const { targets } of panels)
      for (const { expr } of targets) expect(expr).toContain('instance=~"$instance"');
  });
});
