import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { readProjectFile } from './document.js';

/** Log events that the sources name as a literal. */
const events = new Set(
  readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readProjectFile(`src/${file}`).matchAll(/\bevent(?::| =) '(\w+)'/g)])
    .map(([, event = '']) => event),
);

it('docs/reference/log-events.md describes each log event', () => {
  const firstCells = readProjectFile('docs/reference/log-events.md').match(/^\| [^|]+ \|/gm) ?? [];
  const documented = new Set(
    firstCells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, event]) => event)),
  );
  expect(events.size).toBeGreaterThan(20);
  expect([...events].filter((event) => !documented.has(event))).toEqual([]);
});
